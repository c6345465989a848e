"""The generator of lists in the documents: optimizers, and the layouts of data sets.

    python docs/write_lists.py

The lists stand between the comments ``<!-- list -->`` and ``<!-- end -->``. They are made from
`optimizers.registry` and `datamodules.layouts`.
"""

import re
import textwrap
from pathlib import Path

from datamodules.layouts import LAYOUTS, Layout
from datamodules.registry import DATASETS
from optimizers.registry import OPTIMIZERS, OptimizerRow

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"(?<=<!-- list -->\n).*?(?=<!-- end -->)", re.DOTALL)
_HEAD = """
| name | rule | state per parameter | weight decay | sparse gradients | `torch.optim` | paper |
|---|---|---|---|---|---|---|
"""


def names() -> str:
    """Return the names of all optimizers in the form of README.md."""
    return textwrap.fill(" ".join(OPTIMIZERS), 100).join(("\n`", "`\n\n"))


def table() -> str:
    """Return a Markdown table of all optimizers."""
    return _HEAD + "".join(map(_line, OPTIMIZERS.values())) + "\n"


def layouts() -> str:
    """Return a Markdown table of the folders in which the files of each data set are found."""
    head = "\n| data set | folders below `--data-dir`, by layout |\n|---|---|\n"
    rows = ((DATASETS[name], "; ".join(map(_folders, known))) for name, known in LAYOUTS.items())
    return head + "".join(f"| `{row.name}` | {text} |\n" for row, text in rows) + "\n"


LISTS = {
    ROOT / "README.md": names,
    ROOT / "docs" / "optimizers.md": table,
    ROOT / "docs" / "data.md": layouts,
}


def with_lists(page: Path) -> str:
    """Return the text of a page with an up-to-date list."""
    text = page.read_text(encoding="utf-8")
    if len(_BLOCK.findall(text)) != 1:
        raise ValueError(f"{page}: expected one list between <!-- list --> and <!-- end -->")
    return _BLOCK.sub(lambda _: LISTS[page](), text)


def _folders(layout: Layout) -> str:
    places = ("the folder itself" if each == "." else f"`{each}`" for each in layout.folders)
    return f"{layout.title}: {', '.join(places)}"


def _line(row: OptimizerRow) -> str:
    cells = (
        f"`{row.name}`",
        row.formula,
        str(row.state_tensors or "none"),
        "decoupled" if row.decoupled else "L2",
        "yes" if row.takes_sparse else "no",
        row.torch.name if row.torch else "none",
        f"[{row.paper}]({row.link})",
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    for path in LISTS:
        path.write_text(with_lists(path), encoding="utf-8")
