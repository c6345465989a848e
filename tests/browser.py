"""A real browser for tests of pages, with an eye on what a page must not do."""

import shutil
from dataclasses import dataclass, field

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Opened:
    """A page that is open, and what it complained of or asked for.

    Args:
        page: Playwright's page.
        complaints: Errors and warnings of its console, exceptions that nothing caught.
        requests: Addresses that it asked for, besides itself.
    """

    page: object
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def chromium():
    """Return Debian's Chromium, started; skip where it or playwright is not installed."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Return a function that opens a file in a fresh window; at the end nothing may be amiss."""
    windows, opened = [], []

    def open_file(path, hash_="", *, width=1280, height=900, dark=False, touch=False):
        window = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
        )
        windows.append(window)
        found = Opened(page=window.new_page())
        opened.append(found)
        _listen(found, f"file://{path}")
        found.page.goto(f"file://{path}{hash_}")
        return found.page

    yield open_file
    for window in windows:
        window.close()
    assert [found.complaints for found in opened if found.complaints] == []
    assert [found.requests for found in opened if found.requests] == []


def _listen(found, own):
    page = found.page
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("dialog", lambda dialog: (found.complaints.append(dialog.message), dialog.dismiss()))
    page.on(
        "console",
        lambda message: (
            found.complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            None
            if request.url.split("#")[0] == own or request.url.startswith(("data:", "blob:"))
            else found.requests.append(request.url)
        ),
    )
