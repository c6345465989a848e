"""The tasks of a Ray cluster that run trials, as the launching process sees them.

Ray places them on nodes, and this module watches that a node is there for each. A node that cannot
run a trial, because its disk is full or it has other versions, is left out when the trial is
submitted again.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence, Set
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from benchmark.context import Context
from benchmark.errors import ClaimedError, UsageError
from benchmark.jobs import newest_job
from benchmark.launchers import Limits, Watcher
from benchmark.launchers.ray_cluster import Need, nodes
from benchmark.launchers.ray_options import RayOptions
from benchmark.launchers.ray_worker import Files, Place, Refusal, run_trial, versions
from benchmark.launchers.watchers import Shielded
from benchmark.plain_text import error_line
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.store import Store

_MOST_LOSSES = 3  # times that Ray starts a trial again whose node or worker was lost
_MOST_REFUSALS = 3  # attempts of one trial that nodes may refuse before it counts as failed
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_FOR_A_NODE = 600.0  # to come back, if no living node can run the trials that are left
_now = time.perf_counter


@dataclass(kw_only=True)
class _Running:
    """A trial whose task was submitted; `claim` ends this process's claim, if it has one."""

    trial: Trial
    claim: ExitStack


@dataclass(kw_only=True)
class _Refused:
    """The nodes that could not run a trial, and why the last one could not."""

    nodes: set[str] = field(default_factory=set)
    times: int = 0
    why: str = ""


class Tasks:
    """The tasks of one call of the launcher.

    Args:
        ray: The module, connected to a cluster.
        limits: Numbers of parallel trials, the time limit, and the options of Ray.
        store: The study's folder.
        context: Context of the trials.
        watcher: Observer of the trials.
    """

    def __init__(
        self, ray: Any, limits: Limits, store: Store, context: Context, watcher: Watcher
    ) -> None:
        self._ray = ray
        self._limits = limits
        self._store = store
        self._watcher = Shielded(watcher)
        # Ray keeps the result of a task until its reference is gone; most of these hold few bytes.
        self._running: dict[Any, _Running] = {}
        self._waiting: deque[Trial] = deque()
        self._left: Counter[Need] = Counter()  # of trials without a record
        self._nodes: dict[str, dict[str, float]] = {}
        self._unfit: set[str] = set()  # nodes that can run no trial
        self._refused: dict[str, _Refused] = defaultdict(_Refused)  # by key
        self._held_since: dict[str, float] = {}  # trials that another process has, by key
        self._lacking: set[Need] = set()  # needs that no living node meets
        self._lacking_since = 0.0
        self._said: set[str] = set()
        self._environment = context.environment
        self._place = Place(
            results=store.folder.parent.resolve(),
            study=store.study,
            context=context,
            checksums=newest_job(store.folder).checksums,
            versions=versions(),
            timeout_seconds=limits.timeout_seconds,
            returns_files=limits.options_of(RayOptions).returns_files,
        )

    def run(self, trials: Sequence[Trial]) -> None:
        """Run all trials; an error or Ctrl-C ends those that are running, without a record.

        Raises:
            UsageError: the node that this process is connected to has ended, or no node that could
                run the trials that are left has come back.
            OSError: a record cannot be written.
        """
        self._waiting.extend(trials)
        self._left.update(map(Need.of, trials))
        try:
            while self._running or self._waiting:
                self._nodes = nodes(self._ray)
                self._watch_nodes()
                self._fail_bounced()
                self._submit_waiting()
                for task in self._ended():
                    running = self._running.pop(task)
                    with running.claim:
                        self._settle(task, running.trial)
        finally:
            for task, running in self._running.items():
                with running.claim, suppress(self._ray.exceptions.RayError):
                    self._ray.cancel(task, force=True)

    def _ended(self) -> Sequence[Any]:
        if not self._running:  # other processes have all trials, or no node can run them
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            return ()
        done, _ = self._ray.wait(list(self._running), timeout=_SECONDS_BETWEEN_LOOKS)
        return list(done)

    def _watch_nodes(self) -> None:
        """Say which trials no living node can run, and end once none has come back in time."""
        lacking = {need for need, number in self._left.items() if number and not self._fits(need)}
        if not self._lacking:
            self._lacking_since = _now()
        minutes = f"{_SECONDS_FOR_A_NODE / 60:g} min"
        for need in lacking - self._lacking:
            self._watcher.said(
                f"{_trials(self._left[need])}: no living Ray node has {need}. If none comes within "
                f"{minutes}, the command ends once no other trial can run"
            )
        self._lacking = lacking
        others = any(number and need not in lacking for need, number in self._left.items())
        if lacking and not others and _now() - self._lacking_since > _SECONDS_FOR_A_NODE:
            what = ", or ".join(sorted(map(str, lacking)))
            raise UsageError(
                f"no Ray node with {what} has come back within {minutes}; without a record are "
                f"{_trials(self._left.total())}: the same command goes on once there is a node"
            )

    def _fail_bounced(self) -> None:
        """Fail queued trials that some nodes have refused, if no other node that fits is left."""
        for task, running in list(self._running.items()):
            trial = running.trial
            refusing = self._nodes_refusing(trial)
            if refusing and not self._fits(Need.of(trial), refusing):
                with running.claim, suppress(self._ray.exceptions.RayError):
                    del self._running[task]
                    self._ray.cancel(task, force=True)
                    self._fail(trial, self._refused[trial.key].why)

    def _fits(self, need: Need, without: Set[str] = frozenset()) -> bool:
        """Return whether a living node, other than those in `without`, meets a need."""
        left_out = self._unfit | without
        return any(
            need.is_met(found) for node, found in self._nodes.items() if node not in left_out
        )

    def _submit_waiting(self) -> None:
        """Submit trials until there is a queue for each CPU; those without a node stay."""
        cpus = sum(int(node.get("CPU", 0)) for node in self._nodes.values())
        slots = self._limits.workers or max(1, 2 * cpus)
        queued = [
            each for each in self._running.values() if Need.of(each.trial) not in self._lacking
        ]
        free = slots - len(queued)
        for _ in range(len(self._waiting)):
            if free <= 0:
                return
            trial = self._waiting.popleft()
            if Need.of(trial) in self._lacking:
                self._waiting.append(trial)
            else:
                free -= self._submit(trial)

    def _submit(self, trial: Trial) -> bool:
        """Submit a task for `trial`, unless another process has it or has finished it."""
        with ExitStack() as stack:
            if self._place.returns_files:
                try:
                    stack.enter_context(self._store.claim(trial, wait=False))
                except ClaimedError:
                    self._leave_to_another(trial)
                    return False
                self._held_since.pop(trial.key, None)
                if not self._store.needs(trial):
                    self._finish(trial)
                    return False
            self._running[self._task(trial)] = _Running(trial=trial, claim=stack.pop_all())
        self._watcher.started(trial)
        return True

    def _task(self, trial: Trial) -> Any:
        on_gpu = trial.accelerator == "gpu"
        left_out = (self._nodes_refusing(trial) | self._unfit) & set(self._nodes)
        where = {"ray.io/node-id": f"!in({','.join(sorted(left_out))})"}
        task = self._ray.remote(run_trial).options(
            name=f"{trial.label} on {trial.problem}, seed {trial.seed}",
            num_cpus=trial.threads,
            num_gpus=1 / self._limits.gpu_slots if on_gpu else 0,
            max_retries=_MOST_LOSSES,
            **({"label_selector": where} if left_out else {}),
        )
        return task.remote(trial, self._place)

    def _nodes_refusing(self, trial: Trial) -> set[str]:
        return self._refused[trial.key].nodes if trial.key in self._refused else set()

    def _leave_to_another(self, trial: Trial) -> None:
        """Let `trial` wait while another process has it, but not longer than its time limit."""
        since = self._held_since.setdefault(trial.key, _now())
        limit = self._limits.timeout_seconds
        if limit is None or _now() - since <= limit:
            self._waiting.append(trial)
            return
        why = f"another process has had it for longer than the {limit:g} s of --timeout"
        self._left[Need.of(trial)] -= 1
        self._watcher.finished(self._failed(trial, why))  # it has no record of this process

    def _settle(self, task: Any, trial: Trial) -> None:
        """Note the end of a task: its trial has a record, or waits for another node."""
        errors = self._ray.exceptions
        try:
            found: Files | Refusal | None = self._ray.get(task)
        except errors.RayTaskError as error:  # the suite cannot be imported there
            self._try_elsewhere(trial, self._node_at(error), error_line(error.cause or error, 200))
        except errors.LocalRayletDiedError:  # no trial's fault: all tasks are gone
            raise UsageError(
                "the Ray node that this command is connected to has ended: the same command goes "
                "on once Ray runs again"
            ) from None
        except errors.RayError as error:
            self._fail(trial, _why_lost(error))
        else:
            self._take(trial, found)

    def _take(self, trial: Trial, found: Files | Refusal | None) -> None:
        if isinstance(found, Refusal):
            self._note(trial, found)
            return
        if isinstance(found, Files):
            self._store.put(found.record, found.curve, found.log)
        if self._store.record(trial) is None:
            self._fail(trial, "its node wrote no record into this folder: see --ray-return-files")
        else:
            self._watcher.begun(trial)
            self._finish(trial)

    def _note(self, trial: Trial, refusal: Refusal) -> None:
        """Let a trial that a node has refused run on another one."""
        if refusal.is_general:
            self._unfit.add(refusal.node)
            self._say_once(f"Ray node {refusal.host} gets no trial: {refusal.why}")
            self._waiting.appendleft(trial)
        else:
            self._try_elsewhere(trial, refusal.node, f"{refusal.why} (on {refusal.host})")

    def _try_elsewhere(self, trial: Trial, node: str, why: str) -> None:
        refused = self._refused[trial.key]
        refused.nodes |= {node} - {""}
        refused.times += 1
        refused.why = why
        if refused.times < _MOST_REFUSALS and self._fits(Need.of(trial), refused.nodes):
            self._say_once(f"A Ray node did not run a trial, which is tried elsewhere: {why}")
            self._waiting.appendleft(trial)
        else:
            self._fail(trial, why)

    def _node_at(self, error: Any) -> str:
        """Return the node that raised an error, "" if several nodes have its address."""
        found = [n["NodeID"] for n in self._ray.nodes() if n.get("NodeManagerAddress") == error.ip]
        return found[0] if len(found) == 1 else ""

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._watcher.said(text)

    def _fail(self, trial: Trial, reason: str) -> None:
        failed = self._failed(trial, reason)
        if self._place.returns_files:
            self._store.put(failed, ())  # this process has claimed it
        else:
            self._store.add(failed, ())
        self._finish(trial, failed)

    def _failed(self, trial: Trial, reason: str) -> Record:
        return Record(trial=trial, status="failed", reason=reason, environment=self._environment)

    def _finish(self, trial: Trial, otherwise: Record | None = None) -> None:
        """Tell the watcher of the record of a trial, which is that of another process if it won."""
        self._left[Need.of(trial)] -= 1
        record = self._store.record(trial) or otherwise
        if record is not None:
            self._watcher.finished(record)


def _trials(number: int) -> str:
    return f"{number} trial{'s' * (number != 1)}"


def _why_lost(error: Exception) -> str:
    """Return in words why Ray gave up a trial."""
    kind = type(error).__name__
    times = f"{_MOST_LOSSES + 1} times"
    known = {
        "OutOfMemoryError": f"its node ran out of memory, {times}",
        "NodeDiedError": f"its node was lost, {times}",
        "WorkerCrashedError": f"its Ray worker was killed, {times}",
    }
    return known.get(kind) or f"Ray gave it up: {error_line(error, 200)}"
