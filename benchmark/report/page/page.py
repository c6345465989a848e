"""The HTML file: one page with its data, style sheet and scripts inside."""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from benchmark.report.page.modules import joined
from benchmark.report.page.packing import to_json
from benchmark.report.page.payload import CurvePart, Payload
from benchmark.report.page.section import Section
from benchmark.report.page.skeleton import skeleton

_ASSETS = files("benchmark.report") / "assets" / "page"
_STYLES = ("page.css", "controls.css", "tables.css", "charts.css", "verdicts.css", "places.css")
_MAIN = Path(str(_ASSETS / "main.js"))


def page(
    payload: Payload,
    parts: Iterable[CurvePart],
    *,
    extra: Section | None = None,
) -> str:
    """Return the page.

    Args:
        payload: Everything but the curves.
        parts: The curves.
        extra: A section made by another module, shown below the others.
    """
    frame = asset("frame.html")
    if extra:
        frame = frame.replace("<!-- extra -->", extra.html)
    curves = "".join(_data(f"curves-{p.metric}-{p.setting}", p.curves) for p in parts)
    styles = "\n".join(map(asset, _STYLES))
    scripts = joined(_MAIN, *([extra.script] if extra else []))
    body = f"""{frame}
{_data("payload", payload)}
{curves}
<script type="module">
{scripts}
</script>
"""
    return skeleton(_title(payload.studies), styles + (extra.style if extra else ""), body)


def _title(studies: Sequence[str]) -> str:
    return f"{', '.join(studies)} – optimizer benchmark"


def _data(name: str, value: object) -> str:
    return f'<script type="application/json" id="{name}">{to_json(value)}</script>\n'


def asset(name: str) -> str:
    """Return the text of a page's style sheet or other file."""
    return (_ASSETS / name).read_text(encoding="utf-8")
