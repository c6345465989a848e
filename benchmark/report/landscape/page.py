"""The section "optimizers in motion" of a page, and a page that has only this section."""

from importlib.resources import files

from benchmark.landscape.motion import Motion
from benchmark.report.landscape.payload import payload
from benchmark.report.landscape.view import View

_ASSETS = files("benchmark.report") / "assets"
_SCRIPTS = ("landscape-draw.js", "landscape-paths.js", "landscape-pictures.js", "landscape.js")


def section(motion: Motion, view: View) -> str:
    """Return the section with its data; the page gives `style` and `script` around it, once."""
    data = payload(motion, view)
    return f"""<section class="landscape" id="landscape" aria-label="Optimizers in motion">
<h2>Optimizers in motion</h2>
<noscript><p>The paths are drawn by a script, and scripts are off.</p></noscript>
<script type="application/json" id="landscape-data">{data}</script>
</section>"""


def style() -> str:
    """Return the section's style sheet."""
    return _asset("landscape.css")


def script() -> str:
    """Return the section's script; it comes after the section."""
    return "".join(map(_asset, _SCRIPTS))


def page(motion: Motion, view: View) -> str:
    """Return a page that holds all it needs: it asks no network for anything."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Optimizers in motion</title>
<link rel="icon" href="data:,">
<style>{style()}</style>
</head>
<body class="landscape-page">
{section(motion, view)}
<script>{script()}</script>
</body>
</html>
"""


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
