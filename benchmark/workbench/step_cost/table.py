"""Tables of the cost of a step, one per shape."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.workbench.step_cost.costs import Cost, Heat, fastest

_COLUMNS = (
    "µs per\nstep",
    "ns per\nparam",
    "× torch\ndefault",
    "× torch\nbest",
    "% of\nlimit",
    "state\nB/param",
    "peak\nB/param",
    "start\ns",
)
_CALM = 0.3  # largest spread with which ratios of two digits mean anything
_LEGEND = (
    "× torch: time over that of torch's default, and of its fastest mode. % of limit: the time of "
    "a plain copy of as many bytes as the rule must move, over the time of the step. state, peak: "
    "bytes besides parameters and gradients, between steps and at most. start: to build it and "
    "take three steps, with compiling."
)


def print_step_table(console: Console, heats: Sequence[Heat]) -> None:
    """Print the table of one shape, and below it failures and warnings."""
    console.print()
    console.print(Text(_title(heats[0]), style="bold"))
    console.print(_table(heats))
    spread = max((cost.spread for heat in heats for cost in heat.own + heat.rivals), default=0.0)
    if spread > _CALM:
        words = f"  the machine is busy, half of the rounds differ by {100 * spread:.0f} %: "
        console.print(Text(f"{words}give more --seconds", style="yellow"), soft_wrap=True)
    for heat in heats:
        for cost in heat.costs:
            for words in (*cost.notes, *[f"failed: {cost.failure}"] * bool(cost.failure)):
                line = f"  {cost.optimizer} {cost.mode}: {words}"
                console.print(Text(line, style="yellow"), soft_wrap=True)


def print_legend(console: Console) -> None:
    """Print the meaning of the columns."""
    console.print()
    console.print(Text(_LEGEND, style="dim"))


def _title(heat: Heat) -> str:
    threads = f", {heat.threads} thread{'s' * (heat.threads > 1)}" * (heat.device == "cpu")
    tensors = f"{heat.num_tensors} tensor{'s' * (heat.num_tensors > 1)}"
    return f"{heat.shape}: {tensors}, {heat.num_params:,} parameters; {heat.device}{threads}"


def _table(heats: Sequence[Heat]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("optimizer", overflow="fold", min_width=10)
    table.add_column("mode", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for heat in heats:
        for cost in heat.costs:
            table.add_row(*_cells(heat, cost), style=_style(heat, cost))
        if heat.copy_seconds:
            table.add_row(*_limit_cells(heat), style="dim", end_section=True)
    return table


def _cells(heat: Heat, cost: Cost) -> list[str]:
    if cost.failure:
        return [_name(cost), cost.mode, "failed"]
    assert cost.memory is not None
    assert cost.start_seconds is not None
    return [
        _name(cost),
        cost.mode,
        *_times(heat, cost.median),
        _number(heat.over_default(cost)),
        _number(heat.over_best(cost)),
        f"{100 * heat.limit_share(cost):.0f}",
        f"{cost.memory.state / heat.num_params:.1f}",
        f"{cost.memory.peak / heat.num_params:.1f}",
        f"{cost.start_seconds:.2g}",
    ]


def _name(cost: Cost) -> str:
    return cost.optimizer.replace("torch.optim.", "torch ") if cost.is_rival else cost.optimizer


def _limit_cells(heat: Heat) -> list[str]:
    bandwidth = f"copy {heat.copy_bandwidth / 1e9:.1f} GB/s"
    return [bandwidth, "limit", *_times(heat, heat.limit_seconds)]


def _times(heat: Heat, seconds: float) -> list[str]:
    microseconds = 1e6 * seconds
    digits = 1 if microseconds < 100 else 0
    return [f"{microseconds:,.{digits}f}", f"{1e9 * seconds / heat.num_params:.2f}"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _style(heat: Heat, cost: Cost) -> str | None:
    if cost.failure:
        return "yellow"
    if heat.own and cost is fastest(heat.own):
        return "bold green"
    return "dim" if cost.is_rival else None
