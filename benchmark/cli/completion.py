"""The verb ``completion``: a script with which a shell completes our commands."""

import click
from click.shell_completion import get_completion_class


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
def command(shell: str) -> int:
    """Print the completion script of SHELL; add it to the start-up file of that shell."""
    from benchmark.cli.group import benchmark

    kind = get_completion_class(shell)
    assert kind is not None
    name = "optimizer-benchmark"
    click.echo(kind(benchmark, {}, name, "_OPTIMIZER_BENCHMARK_COMPLETE").source())
    return 0
