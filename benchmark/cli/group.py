"""The `benchmark` command and its verbs, which are imported when called; `run` is the default."""

from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from benchmark import __version__
from benchmark.cli.mistakes import verb_cure
from optimizers.errors import SpecError, UnknownNameError
from optimizers.pick import pick

_VERBS = {
    "run": "run trials and print the tables (the default)",
    "compare": "compare your optimizer with tuned baselines and print verdicts",
    "show": "print the tables of a study again",
    "worker": "run planned trials of a study by their keys, as on a cluster",
    "check": "check that an optimizer, such as your own, behaves as users of torch.optim expect",
    "report": "write an HTML page, a Markdown document, figures for papers, or a W&B Report",
    "compact": "write a study's records and curves to one small Parquet file",
    "restore": "restore a study's files from what compact wrote",
    "push": "rebuild the Weights & Biases runs of a study from its files",
    "list": "list optimizers, models, data sets, problems or shipped baselines",
    "bench-step": "time one step of each optimizer, beside torch's classes and the memory limit",
    "landscape": "show paths of optimizers on test surfaces: a page, a picture or a film",
    "completion": "print a script with which your shell completes these commands",
}


class _Verbs(click.Group):
    """A command group that imports a verb's file only to run it; the default verb is `run`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module = import_module(f"benchmark.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        if args and args[0].startswith("-") and args[0] not in own:
            args.insert(0, "run")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing:
            try:
                pick(_VERBS, args[0], "verb")
            except UnknownNameError as error:
                raise click.UsageError(verb_cure(args[0]) or str(error)) from None
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a mistake in the value of its option ``--opts`` is said to be there."""
        try:
            return super().invoke(ctx)
        except SpecError as error:
            verb = self.get_command(ctx, ctx.invoked_subcommand or "")
            if verb is not None and any("--opts" in each.opts for each in verb.params):
                raise click.UsageError(f"--opts: {error}") from error
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):  # options of `run`, the default verb
            command = import_module("benchmark.cli.run").command
            with command.make_context("run", [], parent=ctx, resilient_parsing=True) as run:
                found += command.shell_complete(run, incomplete)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(_VERBS.items()))


@click.group(
    cls=_Verbs,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Everyday use: python -m benchmark --model mlp --opts adam,sgd. "
    "All options of a run: python -m benchmark run --help.",
)
@click.version_option(__version__, prog_name="optimizer-benchmark")
def benchmark(**_: Any) -> None:
    """Compare deep-learning optimizers on real problems, over seeds, with honest statistics."""
