"""The generator of docs/compatibility.md: one short trial with every class of other libraries.

    python docs/compatibility.py [--only SUBSTRING] [--again] [--out docs/compatibility.md]

Each class is tried in its own process, first by its bare name. If the suite refuses it and names a
cure, the cure is applied, as a user would do. If a class trains without descending, other learning
rates are tried; if it takes too long because of products in bfloat16, a smaller problem. Rows of
packages that are not installed stay unchanged; with ``--again``, so do the rows that run.
"""

import argparse
import json
import os
import re
import sys
import warnings
from dataclasses import asdict, dataclass, replace
from importlib import import_module, metadata
from importlib.util import find_spec
from inspect import isabstract
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

os.environ["TORCHDYNAMO_DISABLE"] = "1"  # some classes compile each step for a minute
os.environ.setdefault("OMP_NUM_THREADS", "1")

from torch.optim import Optimizer

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.problems import PROBLEMS
from benchmark.rehearsal import rehearse
from benchmark.runner import run
from benchmark.spec import Trial
from benchmark.study import Study
from datamodules import Digits
from optimizers.errors import SpecError
from optimizers.grammar import parse

PAGE = Path(__file__).with_suffix(".md")
PROBLEM, SMALLER, EPOCHS, SECONDS = "mlp/digits", "logreg/digits", 3, 60
SLOW = f"took longer than {SECONDS} s"
RATES = ("0.01", "0.001", "0.1", "0.0001", "1.0")  # the usual ones first
MOST_CURES = 4
RAN = ("runs", "runs so")
VALUES = {"num_iterations": "30", "num_data": "1257"}  # steps of the trial, examples of digits


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package with optimizer classes.

    Args:
        name: Heading of its table.
        module: Module that has the classes as attributes.
        distribution: Distribution whose version is printed; "" for a stand-in.
    """

    name: str
    module: str
    distribution: str

    @property
    def is_installed(self) -> bool:
        """Return whether the package can be imported."""
        return find_spec(self.module.partition(".")[0]) is not None

    @property
    def title(self) -> str:
        """Name and version."""
        version = metadata.version(self.distribution) if self.distribution else "stand-in"
        return f"{self.name} {version.partition('+')[0]}"

    def classes(self) -> list[str]:
        """Return the names of its public optimizer classes in alphabetical order."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = vars(import_module(self.module))
        return sorted(name for name, value in found.items() if _is_optimizer(name, value))


PACKAGES = (
    Package(name="torch.optim", module="torch.optim", distribution="torch"),
    Package(name="pytorch_optimizer", module="pytorch_optimizer", distribution="pytorch_optimizer"),
    Package(name="schedulefree", module="schedulefree", distribution="schedulefree"),
    Package(name="heavyball", module="heavyball", distribution="heavyball"),
    Package(name="prodigyopt", module="prodigyopt", distribution="prodigyopt"),
    Package(name="KellerJordan/Muon", module="tests.plugins.muon", distribution=""),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one description of an optimizer.

    Args:
        refusal: Reason why no trial was trained; "" if one was.
        failure: Reason why the trial ended early; "" if it did not.
        start: Training loss before the first step.
        end: Training loss after the last.
    """

    refusal: str = ""
    failure: str = ""
    start: float = 0.0
    end: float = 0.0

    @property
    def descends(self) -> bool:
        """Return whether the final training loss is below the initial one."""
        return not self.refusal and not self.failure and self.end < self.start


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table."""

    name: str
    write: str
    verdict: str
    reason: str

    @property
    def line(self) -> str:
        """The row in Markdown."""
        return f"| {self.name} | `{self.write}` | {self.verdict} | {self.reason} |"


def row(package: Package, name: str) -> Row:
    """Return the row of one class after applying the cures that the suite names."""
    path = f"{package.module}.{name}"
    opts, outcome, took_long = _best_attempt(path, PROBLEM)
    if outcome.descends or not took_long:
        return _row(name, path, opts, outcome, PROBLEM)
    opts, outcome, _ = _best_attempt(path, SMALLER)
    return _row(name, path, opts, outcome, SMALLER)


def attempt(opts: str, problem: str = PROBLEM) -> Outcome:
    """Train one short trial of `problem` with `opts` in a separate process."""
    context = get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_attempt, args=(opts, problem, theirs))
    process.start()
    theirs.close()
    try:
        if ours.poll(SECONDS):
            return Outcome(**json.loads(ours.recv()))
        return Outcome(refusal=SLOW)
    except EOFError:
        return Outcome(refusal="its process died")
    finally:
        process.kill()
        process.join()


def section(package: Package, rows: list[Row]) -> str:
    """Return the part of the page on one package."""
    ran = sum(each.verdict in RAN for each in rows)
    missing = sorted(set(package.classes()) - {each.name for each in rows})
    untried = f" Not tried yet: {', '.join(missing)}." if missing else ""
    head = f"## {package.title}\n\n{ran} of {len(rows)} classes run and descend.{untried}\n\n"
    table = "| class | what to write | verdict | reason |\n|---|---|---|---|\n"
    return head + table + "".join(f"{each.line}\n" for each in rows)


def rows_of(package: Package, page: str) -> dict[str, Row]:
    """Return the rows of one package that a page has, by the name of the class."""
    found = re.search(rf"^## {re.escape(package.name)} .*?(?=^## |\Z)", page, re.M | re.S)
    lines = re.findall(
        r"^\| (\w+) \| `(.*?)` \| (.*?) \| (.*) \|$", found[0] if found else "", re.M
    )
    return {n: Row(name=n, write=w, verdict=v, reason=r) for n, w, v, r in lines}


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="classes, by a part of their path")
    parser.add_argument("--again", action="store_true", help="only what does not run yet")
    parser.add_argument("--out", type=Path, default=PAGE)
    arguments = parser.parse_args()
    Digits().prepare_data()
    page = arguments.out.read_text() if arguments.out.exists() else ""
    for package in PACKAGES:
        if not package.is_installed:
            continue
        known = rows_of(package, page)
        rows = []
        for name in package.classes():
            kept = known.get(name)
            asked = arguments.only in f"{package.module}.{name}"
            if kept and (not asked or (arguments.again and kept.verdict in RAN)):
                rows.append(kept)
            elif asked:
                rows.append(row(package, name))
                sys.stderr.write(f"{rows[-1].line}\n")
        page = _with_section(page, package, section(package, rows) if rows else "")
        arguments.out.write_text(page)


def _with_section(page: str, package: Package, text: str) -> str:
    """Return a page whose part on `package` is `text`, in the order of `PACKAGES`."""
    parts = dict(re.findall(r"^(## (?:.*?) \S+\n)(.*?)(?=^## |\Z)", page, re.M | re.S))
    whole = {
        h.removeprefix("## ").rpartition(" ")[0]: h + b.rstrip("\n") + "\n"
        for h, b in parts.items()
    }
    if text:
        whole[package.name] = text
    return "\n".join([_HEAD, *(whole[each.name] for each in PACKAGES if each.name in whole)])


_HEAD = f"""# Other libraries' optimizers

Written by `python docs/compatibility.py`, not by hand. The optimizer classes of these packages
trained {PROBLEM} for {EPOCHS} epochs on one CPU thread, with torch.compile switched off.

- *Runs*: with its bare import path the class reached a training loss below the initial one.
- *Runs so*: the class did so with the arguments in the second column, which the suite's refusal
  names, or with another learning rate.
- *Refused*: the command ends before any training and gives the reason.
- *No descent*: the class trains, but the loss does not fall.
"""


def _is_optimizer(name: str, value: object) -> bool:
    is_class = isinstance(value, type) and issubclass(value, Optimizer)
    return (
        is_class and value is not Optimizer and not name.startswith("_") and not isabstract(value)
    )


def _after_cures(path: str, problem: str) -> tuple[str, Outcome]:
    """Apply the cure of each refusal in turn; return the last description and its outcome."""
    opts, outcome = path, attempt(path, problem)
    for _ in range(MOST_CURES):
        cured = _cured(path, opts, outcome.refusal)
        if not cured:
            break
        opts, outcome = cured, attempt(cured, problem)
    return opts, outcome


def _best_attempt(path: str, problem: str) -> tuple[str, Outcome, bool]:
    """Return a description that descends, otherwise the bare one; and whether any took too long."""
    opts, outcome = _after_cures(path, problem)
    took_long = outcome.refusal == SLOW
    if outcome.descends or outcome.refusal:
        return opts, outcome, took_long
    for rate in RATES:
        at_rate = f"{opts}:{_rate_key(opts)}={rate}"
        other = attempt(at_rate, problem)
        took_long = took_long or other.refusal == SLOW
        if other.descends:
            return at_rate, other, took_long
    return opts, outcome, took_long


def _cured(path: str, opts: str, refusal: str) -> str:
    """Return `opts` with the argument that a refusal asks for; "" if it asks for nothing new."""
    found = re.search(
        rf"(?:(?:runs as|give) {re.escape(path)}|runs with ):([\w.]+)=([^\s,]+?)[.,]?(?=\s|$)",
        refusal,
    )
    if not found:
        return ""
    key, value = found[1], VALUES.get(found[1], found[2])
    return "" if f":{key}=" in opts or value == "…" else f"{opts}:{key}={value}"


def _attempt(opts: str, problem: str, pipe: Connection) -> None:
    warnings.simplefilter("ignore")
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    pipe.send(json.dumps(asdict(_tried(opts, problem))))
    pipe.close()


def _tried(opts: str, problem: str) -> Outcome:
    try:
        [trial] = _trials(opts, problem)
        data = Digits(batch_size=trial.batch_size)
        data.setup("fit")
        rehearse(trial, data)
    except (SpecError, UsageError) as error:
        return Outcome(refusal=str(error))
    rows: list[dict[str, float]] = []
    try:
        record = run(trial, Context(), watch=rows.append)
    except Exception as error:  # any class may raise anything
        return Outcome(failure=f"{type(error).__name__}: {error}")
    if record.status != "done":
        return Outcome(failure=str(record.reason))
    return Outcome(start=rows[0]["train/loss"], end=record.metrics["train/loss"])


def _trials(opts: str, problem: str) -> list[Trial]:
    workload = replace(PROBLEMS[problem].workload, epochs=EPOCHS)
    specs = tuple(parse(opts))
    study = Study(name="elsewhere", workloads=(workload,), optimizers=specs, seeds=(0,))
    return study.trials()


def _row(name: str, path: str, opts: str, outcome: Outcome, problem: str) -> Row:
    if outcome.refusal:
        verdict, reason = "refused", outcome.refusal
    elif outcome.failure:
        verdict, reason = "no descent", outcome.failure
    elif not outcome.descends:
        verdict, reason = "no descent", "its loss did not fall at any rate tried"
    else:
        verdict, reason = ("runs" if opts == path else "runs so"), ""
    if problem != PROBLEM:
        reason = f"on {problem}, for on {PROBLEM} it {SLOW}. {reason}"
    words = (
        " ".join(reason.split())[:300].replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
    )
    return Row(name=name, write=opts, verdict=verdict, reason=words)


def _rate_key(opts: str) -> str:
    """Return the argument that sets the learning rate, possibly passed on by a wrapper."""
    return "optimizer.lr" if ":optimizer=" in opts else "lr"


if __name__ == "__main__":
    main()
