"""The verb ``list``: the registered names, from the tables."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from benchmark.cli.options import OneOf
from benchmark.models.registry import MODELS
from benchmark.problems import PROBLEMS
from datamodules.registry import DATASETS
from optimizers.registry import OPTIMIZERS

_KINDS = ("optimizers", "models", "datasets", "problems")


@click.command(name="list")
@click.argument("kind", type=OneOf("kind of names", _KINDS))
@click.option("--json", "as_json", is_flag=True, help="Print all columns as JSON.")
def command(kind: str, as_json: bool) -> int:
    """List the registered optimizers, models, datasets or problems."""
    rows = _rows(kind)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
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
        return f"{row['epochs']} epochs of batches of {row['batch_size']}{dropout}{twin}"
    return f"{row['summary']}; on {row['dataset']}, or {row['twin']}"
