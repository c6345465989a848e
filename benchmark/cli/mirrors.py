"""Mirrors of a run: where they go by its options, and that they are over when it ends."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from rich.console import Console

from benchmark.mirror.destination import WandbOptions, choose_destination
from benchmark.mirror.live import LiveMirror, Sink
from benchmark.mirror.wandb_run import WandbSink
from benchmark.plain_text import error_line
from benchmark.spec import UsageError
from benchmark.store import Store


def choose_sinks(wandb: WandbOptions, store: Store, num_trials: int) -> tuple[list[Sink], str]:
    """Return where a study is mirrored to, and a line that says so.

    Raises:
        UsageError: what was asked for cannot be had.
    """
    try:
        destination, place = choose_destination(
            wandb.mode,
            project=wandb.project,
            entity=wandb.entity,
            folder=store.folder,
            study=store.study,
            num_trials=num_trials,
        )
    except UsageError:
        raise
    except Exception as error:  # an installation of wandb that is broken costs a warning
        warnings.warn(f"W&B: {error_line(error, 200)}; nothing is mirrored", stacklevel=2)
        return [], ""
    return ([WandbSink(destination)] if destination else []), place


@contextmanager
def mirrored(sinks: Sequence[Sink], store: Store, console: Console) -> Iterator[list[LiveMirror]]:
    """Mirror what is run in a block; after an error or Ctrl-C nothing is waited for."""
    with ExitStack() as stack:
        mirrors = [stack.enter_context(LiveMirror(sink, store)) for sink in sinks]
        yield mirrors
        for sink, mirror in zip(sinks, mirrors, strict=True):
            with console.status(f"{sink.name}: sending what is left (Ctrl-C ends the waiting)"):
                mirror.close()
