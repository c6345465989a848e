"""Launchers given by import path: one that keeps the contract, and some that do not."""

from benchmark.launchers.local import LocalLauncher

ran = []
limits = []


class Noting(LocalLauncher):
    """Notes what it is given, and runs it on this machine."""

    def __init__(self, given):
        super().__init__(given)
        limits[:] = [given]

    def __call__(self, trials, store, context, watcher):
        ran.extend(trials)
        super().__call__(trials, store, context, watcher)


class Empty:
    """Has no method."""

    def __init__(self, given):
        pass


class FewerArguments(LocalLauncher):
    """Asks for fewer arguments than it is given."""

    def num_at_once(self, threads):
        return 1


class NotCallable:
    """Has all methods, and cannot run trials."""

    def __init__(self, given):
        pass

    warm_up = num_at_once = why_not = check_hyperparameters = prepare = rehearse = lambda *_: None


class Refuses(LocalLauncher):
    """Cannot be built."""

    def __init__(self, given):
        raise ValueError("broken\nby all means")


class Leaves(LocalLauncher):
    """Ends the process while it is built."""

    def __init__(self, given):
        raise SystemExit(1)


class TakesNothing(LocalLauncher):
    """Does not take the limits."""

    def __init__(self):
        super().__init__()
