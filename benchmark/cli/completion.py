"""``completion``: the script that teaches a shell to complete our words."""

import click
from click.shell_completion import get_completion_class


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script of SHELL; put its output where that shell reads its start-up."""
    from benchmark.cli.group import benchmark

    kind = get_completion_class(shell)
    assert kind is not None
    name = "optimizer-benchmark"
    click.echo(kind(benchmark, {}, name, "_OPTIMIZER_BENCHMARK_COMPLETE").source())
    return 0
