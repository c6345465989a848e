"""Results that other reproductions of the Adam paper report on the same claims.

Each trained every curve once, so that no test is possible. Where a report has numbers, "agrees" and
"contradicts" say what follows from them by the statement of the claim; otherwise the words are the
authors' own, in short.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """Another reproduction.

    Args:
        name: Short name.
        about: Repository, date and kind of runs, in words.
        results: Results in words, by the name of the claim.
    """

    name: str
    about: str
    results: Mapping[str, str]


OTHERS = (
    Reproduction(
        name="openresearch",
        about="rishi-golla/openresearch (2026), run adam_ab/control: full length, one seed, one "
        "rate for each optimizer (in figure 4, rates a decade apart); costs at the end, evaluated "
        "without dropout",
        results={
            "fig1-mnist-similar": "agrees: Adam 0.235, SGD 0.238",
            "fig1-mnist-faster": "agrees: Adam 0.235, SGD 0.238, AdaGrad 0.260",
            "fig1-imdb-large-margin": "contradicts: AdaGrad 0.318, SGD 0.297",
            "fig1-imdb-as-fast": "agrees: Adam 0.250, AdaGrad 0.318",
            "fig2a-best": "contradicts: SGD 0.0019, AdaGrad 0.0031, Adam 0.051",
            "fig3-adagrad-behind": "contradicts: Adam 0.105, AdaGrad 0.205",
            "fig3-marginal": "contradicts: Adam 0.105, SGD 0.0175",
            "fig4-unstable-early": "agrees: corrected 106.5, uncorrected 133.3",
            "fig4-unstable": "contradicts: corrected 99.9, uncorrected 104.1",
            "fig4-equal-or-better": "agrees: at most 0.46 higher (β1=0.9 β2=0.999)",
        },
    ),
    Reproduction(
        name="Meeting Adam",
        about="tylerebowers/Adam-Optimizer-Reproduction (2025): single runs, small grids by hand; "
        "its author's own verdicts on figures",
        results={
            "fig1-mnist-similar": "yes",
            "fig1-mnist-faster": "yes, AdaGrad closer than printed",
            "fig1-imdb-large-margin": "yes, SGD unstable",
            "fig1-imdb-as-fast": "yes, Adam slightly better",
            "fig2a-best": "yes, gaps smaller than printed",
            "fig3-rapid": "of Adam, yes; nothing on AdaGrad",
            "fig3-third-epoch": "another order: SGD close behind Adam",
            "fig3-adagrad-behind": "moderate: same pairs, other costs",
            "fig3-marginal": "moderate: noisy, neither falls to 1e-3",
            "fig4-unstable-early": "hints at the largest rate",
            "fig4-unstable": "yes",
            "fig4-equal-or-better": "yes",
        },
    ),
)
