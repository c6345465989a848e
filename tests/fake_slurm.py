"""A simulated Slurm: tasks write records into the study's folder as virtual time passes."""

import json
import re
import shlex
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.launchers.scheduler import ArrayTask, Ending, SubmitError
from benchmark.record import Record

TIMEOUT = Ending(state="TIMEOUT", exit_code="0:0", node="n1", time_limit="00:05:00")
OUT_OF_MEMORY = Ending(state="OUT_OF_MEMORY", exit_code="0:125", node="n2")
KILLED = Ending(state="FAILED", exit_code="0:9", node="n1")
REFUSED = Ending(state="FAILED", exit_code="2:0", node="n1")
PREEMPTED = Ending(state="PREEMPTED", exit_code="0:15", node="n1")
NODE_FAIL = Ending(state="NODE_FAIL", exit_code="0:0", node="n2")
TOO_MANY = (
    "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's "
    "size and/or time limits)"
)
LOST = Ending(state="CANCELLED", exit_code="0:0")  # it never started


@dataclass(kw_only=True)
class _Task:
    job: str
    index: int
    name: str
    keys: deque
    until: float = 0.0
    is_running: bool = False


@dataclass
class FakeSlurm:
    """A `Scheduler` with some nodes, which run one trial of a task after the other.

    Args:
        store: The study.
        nodes: Tasks that run in parallel.
        seconds: Duration of a trial.
        array_limit: MaxArraySize.
        deaths: Endings of a trial's next tasks, by its key.
        losses: Numbers of the next jobs, from 0 on, whose tasks never start.
        failures: Keys of trials that get a failed record.
        refusals: Messages of sbatch to the next submissions; "" for one that is accepted.
        silences: Number of the next calls of squeue without an answer.
        forgets: Slurm knows nothing of tasks that have ended.
        hides: Ids of jobs that squeue does not list while they live.
        reason: Why tasks wait.
        submit_limit: Number of tasks that the user may have in the queue.
        others_until: Time until which another job of the user takes up that limit.
        mutes: Number of the next calls of scontrol without an answer.
    """

    store: object
    nodes: int = 2
    seconds: float = 1.0
    array_limit: int = 1001
    deaths: dict = field(default_factory=dict)
    losses: set = field(default_factory=set)
    failures: set = field(default_factory=set)
    refusals: list = field(default_factory=list)
    silences: int = 0
    forgets: bool = False
    hides: set = field(default_factory=set)
    reason: str = "Priority"
    submit_limit: float = float("inf")
    others_until: float = 0.0
    mutes: int = 0
    now: float = 0.0
    scripts: list = field(default_factory=list)
    cancelled: list = field(default_factory=list)
    calls: Counter = field(default_factory=Counter)
    ran: Counter = field(default_factory=Counter)  # attempts by key

    def __post_init__(self):
        self._pending = deque()
        self._running = {}
        self._endings = defaultdict(lambda: Ending())

    def sleep(self, seconds):
        """Let virtual time pass, in place of `time.sleep`."""
        self.now += seconds

    def most_tasks(self):
        return self.array_limit

    def submit(self, script):
        self.calls["submit"] += 1
        if self.refusals and (why := self.refusals.pop(0)):
            raise SubmitError(why)
        name = re.search(r"--job-name=(\S+)", script)[1]
        count = int(re.search(r"--array=0-(\d+)", script)[1]) + 1
        assert count <= self.array_limit, "sbatch: error: Invalid job array specification"
        room = self.submit_limit - len(self._pending) - len(self._running)
        if count > room or self.now < self.others_until:
            raise SubmitError(TOO_MANY)
        job = str(100 + len(self.scripts))
        is_lost = len(self.scripts) in self.losses
        self.scripts.append(script)
        words = shlex.split(script.splitlines()[-1])
        keys = Path(words[words.index("--keys") + 1]).read_text().split()
        assert words[words.index("--chunk") + 1] == f"$SLURM_ARRAY_TASK_ID/{count}"
        for index in range(count):
            if is_lost:
                self._endings[job, index] = LOST
            else:
                own = deque(keys[index::count])
                self._pending.append(_Task(job=job, index=index, name=name, keys=own))
        return job

    def queue(self):
        self.calls["queue"] += 1
        if self.silences > 0:
            self.silences -= 1
            return None
        self._pass()
        self.calls["tasks"] += len(self._running) + len(self._pending)
        others = [ArrayTask(job="1", index=-1, name="other", state="RUNNING")]
        return others * (self.now < self.others_until) + [
            ArrayTask(
                job=task.job,
                index=task.index,
                name=task.name,
                state="RUNNING" if task.is_running else "PENDING",
                reason="None" if task.is_running else self.reason,
            )
            for tasks in (self._running.values(), self._pending)
            for task in tasks
            if task.job not in self.hides
        ]

    def living(self, job):
        self.calls["living"] += 1
        if self.mutes > 0:
            self.mutes -= 1
            return None
        self._pass()
        return [
            ArrayTask(
                job=task.job,
                index=task.index,
                name=task.name,
                state="RUNNING" if task.is_running else "PENDING",
            )
            for tasks in (self._running.values(), self._pending)
            for task in tasks
            if task.job == job
        ]

    def cancel(self, jobs):
        jobs = set(jobs)
        self.cancelled += sorted(jobs)
        self._pending = deque(task for task in self._pending if task.job not in jobs)
        for place in [place for place in self._running if place[0] in jobs]:
            del self._running[place]

    def ending(self, job, index):
        self.calls["ending"] += 1
        if self.mutes > 0:
            self.mutes -= 1
            return None
        if (job, index) in self._running:
            return Ending(state="RUNNING", node="n1")
        if job in self.hides and any((job, index) == (t.job, t.index) for t in self._pending):
            return Ending(state="PENDING")
        return Ending() if self.forgets else self._endings[job, index]

    def end(self, ending=PREEMPTED):
        """End all running tasks, so that their trials have no record."""
        for place in list(self._running):
            self._endings[place] = ending
            del self._running[place]

    def _pass(self):
        for place, task in list(self._running.items()):
            while task.keys and task.until <= self.now:
                if not self._run(task):
                    task.keys.clear()
            if not task.keys:
                del self._running[place]
        while self._pending and len(self._running) < self.nodes:
            task = self._pending.popleft()
            task.is_running, task.until = True, self.now + self.seconds
            self._running[task.job, task.index] = task

    def _run(self, task):
        """Run the next trial of a task; return False if the task ends with it."""
        key = task.keys.popleft()
        self.ran[key] += 1
        task.until += self.seconds
        if self.deaths.get(key):
            self._endings[task.job, task.index] = self.deaths[key].pop(0)
            return False
        self._endings[task.job, task.index] = Ending(state="COMPLETED", node="n1")
        status = "failed" if key in self.failures else "done"
        record = Record(trial=self.store.planned(key), status=status)
        path = self.store.folder / key / "record.json"
        path.write_text(json.dumps(record.to_json()))
        return True
