"""The tasks of a Ray cluster that run trials or packs, as the launching process sees them.

Ray places them on nodes, and this module watches that a node is there for each. A node that cannot
run a task, because its disk is full or it has other versions, is left out when its trials are
submitted again. A pack that fails on a node is tried again in halves there; one that Ray gives up,
by new tasks.
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
from benchmark.launchers.ray_worker import Done, Place, Refusal, run_trials, versions
from benchmark.launchers.watchers import Shielded
from benchmark.plain_text import error_line
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.stacked.packs import Pack, halved
from benchmark.store import Store

_MOST_LOSSES = 3  # times that Ray starts a task again whose node or worker was lost
_MOST_REFUSALS = 3  # attempts of one trial that nodes may refuse before it counts as failed
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_FOR_A_NODE = 600.0  # to come back, if no living node can run the trials that are left
_now = time.perf_counter


@dataclass(kw_only=True)
class _Running:
    """Trials whose task was submitted; `claims` ends the claims of this process, if it has any."""

    trials: Pack
    claims: ExitStack


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
        self._waiting: deque[Pack] = deque()  # and single trials
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

    def run(self, trials: Sequence[Trial], packs: Sequence[Pack] = ()) -> None:
        """Run all; after an error or Ctrl-C this process has no claim any more.

        No running task is cancelled: Ray 2.60 ends the process that cancels one which is just
        finishing (a failed check in its task_manager.cc). Disconnecting ends all tasks; those of a
        connection that the caller made run to their end.

        Raises:
            UsageError: the node that this process is connected to has ended, or no node that could
                run the trials that are left has come back.
            OSError: a record cannot be written.
        """
        self._waiting.extend([*packs, *((trial,) for trial in trials)])
        self._left.update(Need.of(trial) for each in self._waiting for trial in each)
        try:
            while self._running or self._waiting:
                self._nodes = nodes(self._ray)
                self._watch_nodes()
                self._fail_bounced()
                self._submit_waiting()
                for task in self._ended():
                    running = self._running.pop(task)
                    with running.claims:
                        self._settle(task, running.trials)
        finally:
            for running in self._running.values():
                running.claims.close()

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
            first = running.trials[0]
            refusing = self._nodes_refusing(running.trials)
            if refusing and not self._fits(Need.of(first), refusing):
                with running.claims, suppress(self._ray.exceptions.RayError):
                    del self._running[task]
                    self._ray.cancel(task, force=True)
                    self._fail_all(running.trials, self._refused[first.key].why)

    def _fits(self, need: Need, without: Set[str] = frozenset()) -> bool:
        """Return whether a living node, other than those in `without`, meets a need."""
        left_out = self._unfit | without
        return any(
            need.is_met(found) for node, found in self._nodes.items() if node not in left_out
        )

    def _submit_waiting(self) -> None:
        """Submit tasks until there is a queue for each CPU; trials without a node stay."""
        cpus = sum(int(node.get("CPU", 0)) for node in self._nodes.values())
        slots = self._limits.workers or max(1, 2 * cpus)
        queued = [
            each for each in self._running.values() if Need.of(each.trials[0]) not in self._lacking
        ]
        free = slots - len(queued)
        for _ in range(len(self._waiting)):
            if free <= 0:
                return
            trials = self._waiting.popleft()
            if Need.of(trials[0]) in self._lacking:
                self._waiting.append(trials)
            else:
                free -= self._submit(trials)

    def _submit(self, trials: Pack) -> bool:
        """Submit a task for `trials`, without those that another process has or has finished."""
        with ExitStack() as claims:
            if self._place.returns_files:
                trials = tuple(trial for trial in trials if self._claims(trial, claims))
            if not trials:
                return False
            task = self._task(trials)
            self._running[task] = _Running(trials=trials, claims=claims.pop_all())
        for trial in trials:
            self._watcher.started(trial)
        return True

    def _claims(self, trial: Trial, claims: ExitStack) -> bool:
        """Return whether this process now has the claim of `trial`, which has no result."""
        with ExitStack() as claim:
            try:
                claim.enter_context(self._store.claim(trial, wait=False))
            except ClaimedError:
                self._leave_to_another(trial)
                return False
            self._held_since.pop(trial.key, None)
            if self._store.needs(trial):
                claims.push(claim.pop_all())
                return True
        self._finish(trial)
        return False

    def _task(self, trials: Pack) -> Any:
        trial = trials[0]
        on_gpu = trial.accelerator == "gpu"
        left_out = (self._nodes_refusing(trials) | self._unfit) & set(self._nodes)
        where = {"ray.io/node-id": f"!in({','.join(sorted(left_out))})"}
        one = f"{trial.label} on {trial.problem}, seed {trial.seed}"
        task = self._ray.remote(run_trials).options(
            name=one if len(trials) == 1 else f"{len(trials)} trials of {trial.problem}",
            num_cpus=trial.threads,
            num_gpus=1 / self._limits.gpu_slots if on_gpu else 0,
            max_retries=_MOST_LOSSES,
            **({"label_selector": where} if left_out else {}),
        )
        return task.remote(trials, self._place)

    def _nodes_refusing(self, trials: Pack) -> set[str]:
        known = [self._refused[trial.key].nodes for trial in trials if trial.key in self._refused]
        return set().union(*known)

    def _leave_to_another(self, trial: Trial) -> None:
        """Let `trial` wait while another process has it, but not longer than its time limit."""
        since = self._held_since.setdefault(trial.key, _now())
        limit = self._limits.timeout_seconds
        if limit is None or _now() - since <= limit:
            self._waiting.append((trial,))
            return
        why = f"another process has had it for longer than the {limit:g} s of --timeout"
        self._left[Need.of(trial)] -= 1
        self._watcher.finished(self._failed(trial, why))  # it has no record of this process

    def _settle(self, task: Any, trials: Pack) -> None:
        """Note the end of a task: its trials have records, or wait for another task."""
        errors = self._ray.exceptions
        try:
            found: Done | Refusal = self._ray.get(task)
        except errors.RayTaskError as error:  # the suite cannot be imported there
            self._try_elsewhere(trials, self._node_at(error), error_line(error.cause or error, 200))
        except errors.LocalRayletDiedError:  # no trial's fault: all tasks are gone
            raise UsageError(
                "the Ray node that this command is connected to has ended: the same command goes "
                "on once Ray runs again"
            ) from None
        except errors.RayError as error:
            self._give_up(trials, _why_lost(error))
        else:
            self._take(trials, found)

    def _give_up(self, trials: Pack, why: str) -> None:
        """Fail a trial whose task was lost; let the halves of a pack be tried."""
        if len(trials) == 1:
            self._fail(trials[0], why)
            return
        left = self._store.missing(trials)
        for trial in trials:
            if trial not in left:
                self._finish(trial)
        if left:
            parts, notice = halved(trials, left, why)
            self._watcher.said(notice)
            self._waiting.extend(parts)

    def _take(self, trials: Pack, found: Done | Refusal) -> None:
        if isinstance(found, Refusal):
            self._note(trials, found)
            return
        for text in found.texts:
            self._watcher.said(text)
        for each in found.files:
            self._store.put(each.record, each.curve, each.log)
        for trial in trials:
            if self._store.record(trial) is None:
                why = "its node returned no record"
                if not self._place.returns_files:
                    why = "its node wrote no record into this folder: see --ray-return-files"
                self._fail(trial, why)
            else:
                self._watcher.begun(trial)
                self._finish(trial)

    def _note(self, trials: Pack, refusal: Refusal) -> None:
        """Let trials that a node has refused run on another one."""
        if refusal.is_general:
            self._unfit.add(refusal.node)
            self._say_once(f"Ray node {refusal.host} gets no trial: {refusal.why}")
            self._waiting.appendleft(trials)
        else:
            self._try_elsewhere(trials, refusal.node, f"{refusal.why} (on {refusal.host})")

    def _try_elsewhere(self, trials: Pack, node: str, why: str) -> None:
        for trial in trials:
            refused = self._refused[trial.key]
            refused.nodes |= {node} - {""}
            refused.times += 1
            refused.why = why
        times = max(self._refused[trial.key].times for trial in trials)
        need, refusing = Need.of(trials[0]), self._nodes_refusing(trials)
        if times < _MOST_REFUSALS and self._fits(need, refusing):
            self._say_once(f"A Ray node did not run a trial, which is tried elsewhere: {why}")
            self._waiting.appendleft(trials)
        else:
            self._fail_all(trials, why)

    def _node_at(self, error: Any) -> str:
        """Return the node that raised an error, "" if several nodes have its address."""
        found = [n["NodeID"] for n in self._ray.nodes() if n.get("NodeManagerAddress") == error.ip]
        return found[0] if len(found) == 1 else ""

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._watcher.said(text)

    def _fail_all(self, trials: Pack, reason: str) -> None:
        for trial in trials:
            self._fail(trial, reason)

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
