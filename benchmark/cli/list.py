"""The verb ``list``: the registered names, from the tables."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

import click

from benchmark.baselines import Slice, read_baselines
from benchmark.cli.options import OneOf
from benchmark.models.registry import MODELS
from benchmark.problems import PROBLEMS
from benchmark.report.words import counted
from datamodules.registry import DATASETS
from optimizers.registry import OPTIMIZERS
from optimizers.spaces import Kind

_KINDS = ("optimizers", "models", "datasets", "problems", "baselines")


@click.command(name="list")
@click.argument("kind", type=OneOf("kind of names", _KINDS), metavar="KIND")
@click.option("--json", "as_json", is_flag=True, help="Print all columns as JSON.")
def command(kind: str, as_json: bool) -> int:
    """List the registered optimizers, models, data sets or problems, or the shipped baselines."""
    if kind == "baselines":
        return _list_baselines(as_json=as_json)
    rows = _rows(kind)
    if as_json:
        click.echo(json.dumps(rows, indent=1, default=sorted))  # sets as lists
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        click.echo(f"{row['name']:{width}}  {_words(row)}")
    return 0


def _rows(kind: str) -> list[dict[str, Any]]:
    if kind == "problems":
        return [
            asdict(row.workload) | {"name": row.name, "twin": row.twin} for row in PROBLEMS.values()
        ]
    tables: dict[str, Mapping[str, Any]] = {
        "optimizers": OPTIMIZERS,
        "models": MODELS,
        "datasets": DATASETS,
    }
    return [asdict(row) for row in tables[kind].values()]


def _list_baselines(*, as_json: bool) -> int:
    rows, missing = _baselines()
    if as_json:
        click.echo(json.dumps({"baselines": rows, "missing": missing}, indent=1))
        return 0
    widths = [max((len(str(row[name])) for row in rows), default=0) for name in _COLUMNS]
    for row in rows:
        cells = [f"{row[name]!s:{width}}" for name, width in zip(_COLUMNS, widths, strict=True)]
        tried = counted(row["points"], "point") + f" ({row['edge']} end)" * bool(row["edge"])
        cells += [tried, counted(row["seeds"], "seed"), counted(row["epochs"], "epoch")]
        click.echo("  ".join(cells))
    for each in missing:
        click.echo(f"missing: {each['problem']} {each['kind']}: {', '.join(each['optimizers'])}")
        click.echo(f"    {each['command']}")
    return 0


_COLUMNS = ("problem", "kind", "optimizer", "hyperparameters")


def _baselines() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a row for each shipped setting, and one for the optimizers that a slice lacks."""
    slices = {(each.problem, each.kind): each for each in read_baselines().slices}
    rows: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    for problem, kind in itertools.product(PROBLEMS, get_args(Kind)):
        found = slices.get((problem, kind))
        settings = found.optimizers if found else {}
        for name in OPTIMIZERS:
            if found and name in settings:
                rows.append(_baseline(found, name))
        if lacking := [name for name in OPTIMIZERS if name not in settings]:
            names = ",".join(lacking) if settings else "all"
            command = (
                f"python -m benchmark --problem {problem} --opts {names} --tune 16 --space {kind} "
                f"--seeds 10 --study {problem.replace('/', '-')}-{kind}"
            )
            missing.append(
                {"problem": problem, "kind": kind, "optimizers": lacking, "command": command}
            )
    return rows, missing


def _baseline(found: Slice, name: str) -> dict[str, Any]:
    setting = found.optimizers[name]
    return {
        "problem": found.problem,
        "kind": found.kind,
        "optimizer": name,
        "hyperparameters": setting.label.removeprefix(name).strip(),
        "points": setting.tried,
        "edge": setting.edge,
        "seeds": len(found.seeds),
        "epochs": found.workload.epochs,
    }


def _words(row: dict[str, Any]) -> str:
    if "paper" in row:
        return str(row["summary"])
    if "sizes" in row:
        sizes = " + ".join(f"{size:,}" for size in row["sizes"])
        kind = " [synthetic]" * row["synthetic"] + " [embedded]" * row["embedded"]
        return f"{row['title']}; {sizes} examples; {row['source']}{kind}"
    if "twin" in row and "epochs" in row:
        twin = f"; without its data {row['twin']} stands in" if row["twin"] else "; embedded"
        dropout = ", dropout" if row["dropout"] else ""
        epochs = f"{row['epochs']} epoch{'s' * (row['epochs'] != 1)}"
        return f"{epochs} of batches of {row['batch_size']}{dropout}{twin}"
    twin = f", or {row['twin']}" if row["twin"] else ""
    return f"{row['summary']}; on {row['dataset']}{twin}"
