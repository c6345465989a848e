"""Make the shipped baselines, slice by slice: `make baselines`.

A slice is one problem and one kind of space in ``baselines.toml``, and a study of the tuned
protocol. When it is complete, its files and ``settings.toml`` are in ``benchmark/baselines`` and
can be committed. After an interruption the same command goes on with the slices that are missing;
the trials of the interrupted slice are in ``tools/unfinished`` and can be committed, too, so that
another machine goes on with them. A slice that lacks optimizers or seeds of ``baselines.toml`` is
made again: its trials are kept, and its declaration lists what was added as a deviation.
"""

import argparse
import shutil
import signal
import sys
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark import baselines
from benchmark.__main__ import main as benchmark
from benchmark.archive import compact, restore
from benchmark.baselines import Baselines, Setting, Slice, read_baselines, write_baselines
from benchmark.complete import Warner, complete
from benchmark.declaration import FILE, read_declaration
from benchmark.problems import PROBLEMS
from benchmark.request import Request
from benchmark.store import FINISHED, Store
from optimizers.grammar import describe_tunables
from tools.measured import measure

CONFIG = Path(__file__).with_name("baselines.toml")
UNFINISHED = Path(__file__).with_name("unfinished")
WORK = Path("build/baselines")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One slice to make, as the configuration has it.

    Args:
        problem: Name of the problem.
        kind: ``lr`` or ``full``.
        opts: Optimizers, as for ``--opts``.
        budget: Points that every optimizer tries.
        seeds: Number of evaluation seeds.
        reference: The optimizer whose spread over seeds gives the margin.
        epochs: Passes over the training data; None for the problem's default.
    """

    problem: str
    kind: Any
    opts: str
    budget: int
    seeds: int
    reference: str = "adam"
    epochs: int | None = None

    @property
    def name(self) -> str:
        """Name of the slice's study and files."""
        return f"{self.problem.replace('/', '-')}.{self.kind}"

    def request(self, opts: str) -> Request:
        """Return the request for some of the optimizers."""
        return Request(
            problems=(self.problem,),
            opts=opts,
            tune=self.budget,
            space=self.kind,
            seeds=self.seeds,
            epochs=self.epochs,
            reuse_baselines=False,
        )

    def words(self, results: Path) -> list[str]:
        """Return the command line of the whole study."""
        found = {
            "--problem": self.problem,
            "--opts": self.opts,
            "--tune": self.budget,
            "--space": self.kind,
            "--seeds": self.seeds,
            "--reference": self.reference,
            "--study": self.name,
            "--results": results,
            "--wandb": "disabled",
            "--stack": "off",  # so that anybody's single trial gives the bits of the shipped one
        } | ({"--epochs": self.epochs} if self.epochs else {})
        words = [str(word) for pair in found.items() for word in pair]
        return ["run", *words, "--no-reuse-baselines"]


class _Silent(Warner):
    """A watcher that ignores notices, because the study is completed in parts."""

    def noticed(self, notice: str) -> None:
        """Say nothing."""


def read_orders(path: Path) -> tuple[str, list[Order]]:
    """Return the version and the slices of a configuration."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    common = data.get("common", {})
    return data["version"], [Order(**{**common, **each}) for each in data["slices"]]


def make_slice(order: Order, work: Path) -> bool:
    """Run the study of a slice and write its files; return False if it is not complete.

    The trials of a slice that is not complete are set aside in `UNFINISHED`, and taken from there.
    """
    store, kept = Store(work, order.name), work / f"{order.name}.toml"
    aside = UNFINISHED / f"{order.name}.parquet"
    if aside.exists():
        restore(aside, work)
    elif slice_of(order):
        _take_shipped(order, work)
    try:
        is_complete = _complete_slice(order, store, kept)
    except KeyboardInterrupt:
        is_complete = False
    if not is_complete:
        if kept.exists():
            shutil.copyfile(kept, store.folder / FILE)
        if store.records():
            aside.parent.mkdir(exist_ok=True)
            compact(store, aside)
        return False
    compact(store, baselines.FOLDER / f"{order.name}.parquet")
    shutil.move(kept, baselines.FOLDER / f"{order.name}.toml")  # last: by it, a slice is complete
    aside.unlink(missing_ok=True)
    return True


def _take_shipped(order: Order, work: Path) -> None:
    """Begin a slice with its shipped trials and declaration, to which others are added."""
    folder = Store(work, order.name).folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(baselines.FOLDER / f"{order.name}.toml", folder / FILE)
    with warnings.catch_warnings():  # the file's own declaration is that of the last part
        warnings.filterwarnings("ignore", ".* is another one, which is kept")
        restore(baselines.FOLDER / f"{order.name}.parquet", work)


def _complete_slice(order: Order, store: Store, kept: Path) -> bool:
    """Run the trials of a slice, and keep its declaration; return False if a trial failed."""
    if not _is_declared(order, kept):
        if benchmark(order.words(store.folder.parent)):
            return False
        shutil.copyfile(store.folder / FILE, kept)
    # The ranges are widened for all optimizers together. By itself, an optimizer may choose another
    # setting; with these few trials more, a comparison with a few baselines trains none of them.
    for tunable in describe_tunables(order.opts, order.kind):
        records = complete(order.request(tunable.label), store, watcher=_Silent())
        if any(record.status not in FINISHED for record in records):
            return False
    return True


def settings_of(version: str, orders: list[Order]) -> Baselines:
    """Return the settings in the declarations of the slices that are complete."""
    found = [slice_of(order) for order in orders]
    return Baselines(version=version, slices=[each for each in found if each is not None])


def slice_of(order: Order) -> Slice | None:
    """Return the settings of a slice; None if it is not complete."""
    folder = baselines.FOLDER
    if not (folder / f"{order.name}.parquet").exists():
        return None
    declaration = read_declaration(folder, f"{order.name}.toml")
    if declaration is None:
        return None
    settings = {each.optimizer.name: Setting.of(each) for each in declaration.chosen}
    return Slice(
        name=order.name,
        kind=order.kind,
        schema=declaration.schema,
        workload=declaration.problems[order.problem],
        seeds=declaration.seeds,
        optimizers=settings,
        accelerator=declaration.accelerators[0],
        precision=declaration.precisions[0],
    )


def is_made(order: Order) -> bool:
    """Return whether a slice is complete, with all optimizers and seeds of the configuration."""
    return slice_of(order) is not None and _is_declared(
        order, baselines.FOLDER / f"{order.name}.toml"
    )


def _is_declared(order: Order, path: Path) -> bool:
    """Return whether a declaration has all optimizers and seeds of the configuration."""
    found = read_declaration(path.parent, path.name)
    wanted = {each.name for each in describe_tunables(order.opts, order.kind)}
    return (
        found is not None
        and wanted <= {each.optimizer.name for each in found.chosen}
        and order.seeds <= len(found.seeds)
    )


def print_targets() -> int:
    """Print what the table of problems should have, and where it has other targets."""
    found = measure(read_baselines())
    for name, row in PROBLEMS.items():
        if name not in found:
            print(f"{name}: no slice of its default length; the target stays {row.target}")
            continue
        is_equal = row.target == found[name].target
        print(f"{found[name]}" + f"; the table has target={row.target}" * (not is_equal))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Make the slices that are missing, and write the settings of all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the running studies")
    parser.add_argument("--only", help="name of one slice, such as mlp-mnist.lr")
    parser.add_argument(
        "--targets",
        action="store_true",
        help="print the numbers for the table of problems that follow from the shipped baselines, "
        "and make nothing",
    )
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: trials are set aside
    if asked.targets:
        return print_targets()
    version, orders = read_orders(asked.config)
    wanted = [order for order in orders if asked.only in (None, order.name)]
    for order in wanted:
        if not is_made(order):
            print(f"== {order.name}")
            if not make_slice(order, asked.work):
                print(f"{order.name} is not complete; the same command goes on")
                return 1
        write_baselines(settings_of(version, orders))
    return 0


if __name__ == "__main__":
    sys.exit(main())
