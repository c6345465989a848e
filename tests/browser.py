"""A real browser for tests of pages, with an eye on what a page must not do."""

import shutil
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Window:
    """A window that tests use in turn, and what its page complained of or asked for.

    Args:
        page: Playwright's page.
        own: Address of the file that is open.
        complaints: Errors and warnings of its console, exceptions that nothing caught.
        requests: Addresses that it asked for, besides itself.
    """

    page: object
    own: str = ""
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path, hash_, *, width, height, dark):
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.own = f"file://{path}"
        self.page.goto(f"{self.own}{hash_}")

    def clear(self):
        """Make the window as good as new, which costs less than a new one."""
        self.page.goto("about:blank")
        self.page.emulate_media(media="null", reduced_motion="null")
        self.page.context.clear_permissions()
        self.page.mouse.move(0, 0)
        self.complaints.clear()
        self.requests.clear()


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


@pytest.fixture(scope="session")
def free_windows():
    """Return the windows that no test uses at the moment, by whether they take touch."""
    return defaultdict(list)


@pytest.fixture
def open_page(chromium, free_windows):
    """Return a function that opens a file in a window; at the end nothing may be amiss."""
    used = []

    def open_file(path, hash_="", *, width=1280, height=900, dark=False, touch=False):
        free = free_windows[touch]
        window = free.pop() if free else _open_window(chromium, touch)
        used.append((touch, window))
        window.open(path, hash_, width=width, height=height, dark=dark)
        return window.page

    yield open_file
    complaints = [window.complaints.copy() for _, window in used if window.complaints]
    requests = [window.requests.copy() for _, window in used if window.requests]
    for touch, window in used:
        window.clear()
        free_windows[touch].append(window)
    assert complaints == []
    assert requests == []


def _open_window(chromium, touch):
    window = Window(page=chromium.new_context(has_touch=touch).new_page())
    _listen(window)
    return window


def _listen(window):
    page = window.page
    page.on("pageerror", lambda error: window.complaints.append(str(error)))
    page.on("dialog", lambda dialog: (window.complaints.append(dialog.message), dialog.dismiss()))
    page.on(
        "console",
        lambda message: (
            window.complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            None
            if request.url.split("#")[0] == window.own or request.url.startswith(("data:", "blob:"))
            else window.requests.append(request.url)
        ),
    )
