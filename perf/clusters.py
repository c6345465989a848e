"""The cost of a trial on Slurm and on Ray, on this machine, beyond that of the local launcher.

The cost is the time from one record to the next, without training and evaluation, of trials that
run one after the other: in one process of the pool, in one Ray worker, in one task of Slurm. So the
start of an interpreter does not count; that of a task of Slurm is printed apart. Targets: Ray at
most 0.2 s more than local, Slurm 0.5 s. Two Ray nodes over one: at least 1.8 times the throughput,
of trials that sleep, so that two processors are not needed.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from _trials import Silent, report, trials

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["PYTHONPATH"] = sys.path[0]  # nodes import the optimizer that sleeps

from benchmark.context import Context
from benchmark.launchers import Launcher, Limits
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.prepare import prepare
from benchmark.launchers.ray import RayLauncher
from benchmark.launchers.ray_options import RayOptions
from benchmark.launchers.slurm import SlurmLauncher
from benchmark.launchers.slurm_options import SlurmOptions
from benchmark.spec import Trial
from benchmark.store import Store
from tests import slurm

TRIALS = 22
WARM_UP = 2
SLEEPING = "tests.plugins.optimizers.Slow:seconds=0.1"
STORE_BYTES = 80 * 2**20  # of a Ray node


def cost(grid: Sequence[Trial], store: Store) -> float:
    """Return the median time between records in seconds, without training and evaluation."""
    found = []
    for trial in grid:
        record = store.record(trial)
        assert record is not None
        training, evaluation = record.clocks.training or 0.0, record.clocks.evaluation or 0.0
        when = (store.trial_folder(trial) / "record.json").stat().st_mtime
        found.append((when, training + evaluation))
    found.sort()
    pairs = zip(found[WARM_UP - 1 :], found[WARM_UP:], strict=False)
    return statistics.median(later - earlier - working for (earlier, _), (later, working) in pairs)


def run(launcher: Launcher, grid: Sequence[Trial], store: Store) -> float:
    """Run trials and return the seconds that it took."""
    with launcher.warm_up():
        started = time.perf_counter()
        launcher(grid, store, Context(), Silent())
        return time.perf_counter() - started


@contextmanager
def ray_nodes(number: int) -> Iterator[str]:
    """Start Ray nodes of one CPU each, and yield the address of the cluster."""
    from ray.cluster_utils import Cluster

    head: dict[str, Any] = {"num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(
        initialize_head=True, head_node_args={**head, "object_store_memory": STORE_BYTES}
    )
    try:
        for _ in range(number):
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        cluster.wait_for_nodes()
        yield cluster.address
    finally:
        cluster.shutdown()


def ray_figures(grid: Sequence[Trial], folder: Path) -> dict[str, Any]:
    """Return the figures of Ray, or why there are none."""
    try:
        import ray  # noqa: F401 (only looked for)
    except ImportError:
        return {"ray_not_measured": "Ray is not installed: pip install --group cluster"}
    sleeping = trials("logreg/digits", SLEEPING, epochs=1, seeds=len(grid))
    seconds = []
    for number in (1, 2):
        store = Store(folder, f"ray{number}")
        with ray_nodes(number) as address:
            launcher = RayLauncher(Limits(options=(RayOptions(address=address),)))
            run(launcher, sleeping[:number], store)  # starts the workers' servers
            seconds.append(run(launcher, sleeping[number:], store) / (len(sleeping) - number))
            if number == 1:
                run(launcher, grid, store)
                each = cost(grid, store)
    return {"ray_seconds": each, "ray_two_nodes_over_one": seconds[0] / seconds[1]}


def slurm_figures(grid: Sequence[Trial], folder: Path) -> dict[str, Any]:
    """Return the figures of Slurm, or why there are none."""
    if why := slurm.why_not():
        return {"slurm_not_measured": why}
    place = folder / "slurmd"
    place.mkdir()
    store = Store(folder, "slurm")
    with slurm.cluster(place) as environment:
        os.environ["SLURM_CONF"] = environment["SLURM_CONF"]
        options = SlurmOptions(trials_per_job=len(grid))
        seconds = run(SlurmLauncher(Limits(workers=1, options=(options,))), grid, store)
    each = cost(grid, store)
    return {"slurm_seconds": each, "slurm_start_seconds": seconds - each * len(grid)}


def main() -> None:
    """Measure the local launcher, Ray and Slurm, one after the other."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    grid = trials("logreg/digits", "adam", epochs=1, seeds=number)
    prepare([("digits", "logreg", False)], Context())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = Store(folder, "local")
        run(LocalLauncher(Limits(workers=1)), grid, store)
        local = cost(grid, store)
        found = {**ray_figures(grid, folder), **slurm_figures(grid, folder)}
    for name, target in (("ray", 0.2), ("slurm", 0.5)):
        if f"{name}_seconds" in found:
            found[f"{name}_beyond_local_seconds"] = found[f"{name}_seconds"] - local
            found[f"{name}_beyond_local_target"] = target
            found[f"{name}_over_local"] = found[f"{name}_seconds"] / local
    report(__file__, trials=number, local_seconds=local, **found)


if __name__ == "__main__":
    main()
