"""The page section "Optimizers in motion", and a page that has only this section."""

from importlib.resources import files
from pathlib import Path

from benchmark.report.page.modules import joined
from benchmark.report.page.section import Section
from benchmark.report.page.skeleton import skeleton
from benchmark.workbench.landscape.payload import payload
from benchmark.workbench.landscape.trajectories import Trajectories
from benchmark.workbench.landscape.view import View

_ASSETS = files("benchmark.workbench") / "assets"
_REPORT = files("benchmark.report") / "assets" / "page"
_STYLES = tuple(_REPORT / name for name in ("page.css", "controls.css", "charts.css"))
_SCRIPT = Path(str(_ASSETS / "landscape.js"))


def section(trajectories: Trajectories, view: View) -> Section:
    """Return the section with its data, for a page of studies."""
    return Section(
        html=_html(trajectories, view),
        style=(_ASSETS / "landscape.css").read_text(encoding="utf-8"),
        script=_SCRIPT,
    )


def _html(trajectories: Trajectories, view: View) -> str:
    data = payload(trajectories, view)
    return f"""<section class="landscape" id="landscape" aria-label="Optimizers in motion">
<h2>Optimizers in motion</h2>
<noscript><p>The paths are drawn by a script, and scripts are off.</p></noscript>
<script type="application/json" id="landscape-data">{data}</script>
</section>"""


def page(trajectories: Trajectories, view: View) -> str:
    """Return a self-contained page with only this section."""
    own = section(trajectories, view)
    styles = [style.read_text(encoding="utf-8") for style in _STYLES]
    body = f"""<style>{own.style}</style>
{own.html}
<p id="said" class="visually-hidden" role="status" aria-live="polite"></p>
<script type="module">
{joined(own.script)}
</script>
"""
    return skeleton("Optimizers in motion", "".join(styles), body)
