"""The mirrors of a run: chosen from its options, and closed when it ends."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from rich.console import Console

from benchmark.errors import UsageError
from benchmark.mirror.destination import WandbOptions, choose_destination
from benchmark.mirror.live import LiveMirror, Sink
from benchmark.mirror.wandb_run import WandbSink
from benchmark.plain_text import error_line
from benchmark.store import Store


def choose_sinks(wandb: WandbOptions, store: Store, num_trials: int) -> tuple[list[Sink], str]:
    """Return the sinks to which a study is mirrored, and a line that names them.

    Raises:
        UsageError: the requested mode of W&B is not possible.
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
    except Exception as error:  # a broken installation of wandb costs only a warning
        warnings.warn(f"W&B: {error_line(error, 200)}; nothing is mirrored", stacklevel=2)
        return [], ""
    return ([WandbSink(destination)] if destination else []), place


@contextmanager
def mirrored(sinks: Sequence[Sink], store: Store, console: Console) -> Iterator[list[LiveMirror]]:
    """Mirror the trials that run in the block; do not wait after an error or Ctrl-C."""
    with ExitStack() as stack:
        mirrors = [stack.enter_context(LiveMirror(sink, store)) for sink in sinks]
        yield mirrors
        for sink, mirror in zip(sinks, mirrors, strict=True):
            with console.status(f"{sink.name}: sending what is left (Ctrl-C ends the waiting)"):
                mirror.close()
