"""Timing of several functions in turn, in short windows, round after round."""

import time
from collections.abc import Callable, Sequence

from benchmark.garbage import no_garbage_collection

WINDOW_SECONDS = 0.003  # long against the clock's resolution, shorter than other work's bursts
_MAX_STEPS = 1000
_MIN_ROUNDS = 7  # even if the time is up

Step = Callable[[], object]


def time_in_turn(
    steps: Sequence[Step],
    seconds: float,
    synchronize: Callable[[], object],
    *,
    clock: Callable[[], float] | None = None,
    window_seconds: float = WINDOW_SECONDS,
) -> list[tuple[float, ...]]:
    """Return seconds per call of each of `steps`, one number per round.

    In every round each step gets one window; the order is reversed from round to round. A window
    begins with an untimed call, which loads the step's data into the caches.

    Args:
        steps: Functions to time; each must have been called before.
        seconds: Approximate time for all rounds, of which there are at least seven.
        synchronize: Waits for the device.
        clock: Returns the time of the windows, in seconds; None is the clock on the wall.
        window_seconds: Approximate length of a window.
    """
    clock = clock or time.perf_counter
    found: list[list[float]] = [[] for _ in steps]
    order = list(range(len(steps)))
    with no_garbage_collection():
        counts = [_steps_per_window(step, synchronize, window_seconds) for step in steps]
        started = time.perf_counter()
        while len(found[0]) < _MIN_ROUNDS or time.perf_counter() - started < seconds:
            for index in order:
                found[index].append(_window(steps[index], counts[index], synchronize, clock))
            order.reverse()
    return [tuple(each) for each in found]


def _window(
    step: Step, count: int, synchronize: Callable[[], object], clock: Callable[[], float]
) -> float:
    step()
    synchronize()
    started = clock()
    for _ in range(count):
        step()
    synchronize()
    return (clock() - started) / count


def _steps_per_window(step: Step, synchronize: Callable[[], object], seconds: float) -> int:
    once = min(_window(step, 1, synchronize, time.perf_counter) for _ in range(2))
    return max(1, min(_MAX_STEPS, round(seconds / once)))
