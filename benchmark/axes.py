"""The axes over which metrics are drawn; every row of a trial's log has all of them."""

from dataclasses import dataclass
from typing import Final, Literal

AxisName = Literal["step", "epoch", "samples", "train_seconds"]
STEP: Final = "step"
EPOCH: Final = "epoch"
SAMPLES: Final = "samples"
SECONDS: Final = "train_seconds"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A quantity that grows during training; every row of a trial's log has all axes.

    Args:
        name: Name in the records.
        words: Name in texts.
        plural: Heading above amounts on this axis.
        meaning: Definition on the page.
        whole: Values are whole numbers.
        by_step: The value follows from the step, in the same way in all trials of a setting.
        tabled: Texts report times to a target on this axis.
    """

    name: AxisName
    words: str
    plural: str
    meaning: str
    whole: bool = False
    by_step: bool = True
    tabled: bool = True


AXES: dict[AxisName, Axis] = {
    axis.name: axis
    for axis in (
        Axis(
            name=STEP,
            words="step",
            plural="steps",
            meaning="One update by the optimizer.",
            whole=True,
        ),
        Axis(
            name=EPOCH,
            words="epoch",
            plural="epochs",
            meaning="One pass over the training data.",
            tabled=False,
        ),
        Axis(
            name=SAMPLES,
            words="samples",
            plural="samples",
            meaning="Training examples seen, repeated ones counted again.",
            whole=True,
        ),
        Axis(
            name=SECONDS,
            words="training seconds",
            plural="training seconds",
            meaning="Time spent training, without evaluation, logging and start-up.",
            by_step=False,
        ),
    )
}
BY_STEP: tuple[AxisName, ...] = tuple(axis.name for axis in AXES.values() if axis.by_step)
BY_CLOCK: tuple[AxisName, ...] = tuple(axis.name for axis in AXES.values() if not axis.by_step)
