"""A simulated Ray: tasks run on nodes as virtual time passes, one task on each node at a time."""

import re
from types import SimpleNamespace

from benchmark.launchers.ray_worker import Done, Refusal


class RayError(Exception):
    pass


class RayTaskError(RayError):
    def __init__(self, cause, ip):
        self.cause, self.ip = cause, ip


class LocalRayletDiedError(RayError):
    pass


class FakeRay:
    """The functions of the module `ray` that the launcher calls.

    Args:
        work: Function of a trial, its place and the name of a node, which returns or raises what
            the task does there: files, a refusal, or None if they share the folder.
        nodes: CPUs by the names of nodes; those in `gpus` have a GPU as well.
        events: Functions by the virtual time when they are called.
    """

    exceptions = SimpleNamespace(
        RayError=RayError, RayTaskError=RayTaskError, LocalRayletDiedError=LocalRayletDiedError
    )

    def __init__(self, work, nodes=None, gpus=(), events=None):
        self.work = work
        self.alive = {"a": 1, "b": 1} if nodes is None else dict(nodes)
        self.gpus = gpus
        self.events = dict(events or {})
        self.memory = {}  # bytes by the names of nodes
        self.now = 0.0
        self.ran = []  # keys and nodes
        self.sizes = []  # numbers of trials of the tasks that ran
        self.cancelled = []
        self._queue, self._ended = [], {}

    def nodes(self):
        for when in [when for when in self.events if when <= self.now]:
            self.events.pop(when)()
        return [
            {
                "NodeID": name,
                "NodeManagerAddress": f"address of {name}",
                "NodeManagerHostname": name,
                "Alive": True,
                "Resources": {"CPU": cpus, **self._more(name)},
            }
            for name, cpus in self.alive.items()
        ]

    def _more(self, name):
        gpus = {"GPU": 1} if name in self.gpus else {}
        return {**gpus, **({"memory": self.memory[name]} if name in self.memory else {})}

    def remote(self, function):
        def options(*, num_cpus, num_gpus, label_selector=None, **_):
            left_out = re.split("[(),]", (label_selector or {}).get("ray.io/node-id", ""))[1:-1]

            def remote(trials, place):
                task = SimpleNamespace(
                    trials=trials, place=place, cpus=num_cpus, gpus=num_gpus, left_out=left_out
                )
                task_id = object()
                self._queue.append((task_id, task))
                return task_id

            return SimpleNamespace(remote=remote)

        return SimpleNamespace(options=options)

    def wait(self, tasks, timeout):
        free = list(self.alive)
        for entry in list(self._queue):
            task_id, task = entry
            node = next((name for name in free if self._fits(task, name)), None)
            if node is not None:
                free.remove(node)
                self._queue.remove(entry)
                self.ran += [(trial.key, node) for trial in task.trials]
                self.sizes.append(len(task.trials))
                self._ended[task_id] = self._run(task, node)
        self.now += timeout
        done = [task for task in tasks if task in self._ended]
        return done, [task for task in tasks if task not in done]

    def get(self, task_id):
        result, error = self._ended.pop(task_id)
        if error is not None:
            raise error
        return result

    def cancel(self, task_id, force):
        cancelled = [task for each, task in self._queue if each is task_id]
        self.cancelled += [trial.key for task in cancelled for trial in task.trials]
        self._queue = [entry for entry in self._queue if entry[0] is not task_id]

    def sleep(self, seconds):
        self.now += seconds

    def _fits(self, task, name):
        has_gpu = not task.gpus or name in self.gpus
        return has_gpu and task.cpus <= self.alive[name] and name not in task.left_out

    def _run(self, task, node):
        try:
            found = [self.work(trial, task.place, node) for trial in task.trials]
            refusals = [each for each in found if isinstance(each, Refusal)]
            return refusals[0] if refusals else Done(files=tuple(filter(None, found))), None
        except RayError as error:
            return None, error
        except Exception as error:
            return None, RayTaskError(error, f"address of {node}")
