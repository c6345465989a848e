"""Payload to file: one HTML page with its data, its style and its scripts inside."""

import html
from collections.abc import Iterable, Sequence
from importlib.resources import files

from benchmark.report.page.packing import to_json
from benchmark.report.page.payload import CurvePart, Payload

_ASSETS = files("benchmark.report") / "assets" / "page"
_STYLES = ("page.css",)
_SCRIPTS = (
    "dom.js",
    "data.js",
    "state.js",
    "format.js",
    "scale.js",
    "chart.js",
    "table.js",
    "controls.js",
    "leaderboard.js",
    "curves.js",
    "targets.js",
    "tuning.js",
    "ranks.js",
    "accounts.js",
    "main.js",
)


def page(payload: Payload, parts: Iterable[CurvePart], *, extra: str = "") -> str:
    """Return the page.

    Args:
        payload: All tables.
        parts: The curves.
        extra: A further section, such as the optimizers in motion, as HTML.
    """
    curves = "".join(_data(f"curves-{p.metric}-{p.setting}", p.curves) for p in parts)
    title = html.escape(_title(payload.studies))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="optimizer-benchmark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{_joined(_STYLES)}</style>
</head>
<body>
{_asset("frame.html").replace("<!-- extra -->", extra)}
{_data("payload", payload)}
{curves}
<script>{_joined(_SCRIPTS)}</script>
</body>
</html>
"""


def _title(studies: Sequence[str]) -> str:
    return f"{', '.join(studies)} – optimizer benchmark"


def _data(name: str, value: object) -> str:
    return f'<script type="application/json" id="{name}">{to_json(value)}</script>\n'


def _joined(names: Iterable[str]) -> str:
    return "\n".join(map(_asset, names))


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
