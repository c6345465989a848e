"""The rules of the verdicts on a paper: experiments and claims, read from ``rules.toml``.

The file is ``docs/paper/rules.toml``; the one beside this module is a link to it, so that an
installed package has it too. An experiment is one panel of a figure: a problem, how it is trained,
and the series that are compared. A claim is a conjunction of contrasts between two series of an
experiment. A variant of a claim changes the training or the choice of rates, and nothing else.
"""

import math
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from benchmark.decode import read_file
from benchmark.errors import UsageError
from benchmark.plain_text import plain
from optimizers.pick import pick

PATH = Path(__file__).parent / "rules.toml"
_MOST_BYTES = 1_000_000

Schedule = Literal["constant", "1/sqrt(step)", "1/sqrt(epoch)"]
Cost = Literal["running", "evaluated"]
Relation = Literal["lower by more than", "higher by less than", "within"]
Scale = Literal["linear", "log10"]
_Count = Annotated[int, Meta(ge=1)]
_Coefficient = Annotated[float, Meta(ge=0)]
_Positive = Annotated[float, Meta(gt=0)]
_Text = Annotated[str, Meta(min_length=1)]


class Series(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One curve of a panel: an optimizer whose learning rate is chosen from a grid.

    Args:
        name: Name in the figure's legend.
        optimizer: Registered name or import path.
        hyperparameters: Those that are not the optimizer's defaults, without the learning rate.
        dropout: Train with the model's own dropout.
        rates: Learning rates, ascending.
        published: Its printed curves, as "figure/series" in ``published.csv``.
        stands_for: Whose curves these are, where another optimizer takes the place of the printed
            one; otherwise empty.
    """

    name: _Text
    optimizer: _Text
    rates: Annotated[tuple[_Positive, ...], Meta(min_length=2)]
    hyperparameters: dict[str, int | float | bool | tuple[float, ...]] = {}
    dropout: bool = False
    published: tuple[str, ...] = ()
    stands_for: str = ""

    def __post_init__(self) -> None:
        if any(low >= high for low, high in zip(self.rates, self.rates[1:], strict=False)):
            raise ValueError(f"{self.name}: expected ascending rates, got {_list(self.rates)}")
        if "lr" in self.hyperparameters:
            raise ValueError(f"{self.name}: expected lr among the rates, not the hyperparameters")


class Training(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Conditions of training that all series of a panel share.

    Args:
        problem: Registered name of the problem, which gives model and data set.
        batch_size: Examples per step.
        schedule: Factor of the learning rate, by the number t = 1, 2, … of the step or epoch.
        unscheduled: Series that keep a constant rate all the same.
        l2: Coefficient λ of the penalty λ/2·‖w‖² in the training loss.
        whitening: Whiten the images (ZCA, fitted on training data) instead of normalising them.
        padding: Pad the borders before max-pooling.
        cost: Training cost of an epoch: the mean of the losses that its steps minimized, with
            dropout and penalty, or the loss evaluated at its end, without both, which is known
            only at the end of a trial.
    """

    problem: _Text
    batch_size: _Count = 128
    schedule: Schedule = "constant"
    unscheduled: tuple[str, ...] = ()
    l2: _Coefficient = 0.0
    whitening: bool = False
    padding: bool = True
    cost: Cost = "running"


class Changes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of `Training`, and `horizon`, `window` and `chosen_at` of a claim, with new values."""

    schedule: Schedule | UnsetType = UNSET
    unscheduled: tuple[str, ...] | UnsetType = UNSET
    l2: _Coefficient | UnsetType = UNSET
    whitening: bool | UnsetType = UNSET
    padding: bool | UnsetType = UNSET
    cost: Cost | UnsetType = UNSET
    chosen_at: _Count | UnsetType = UNSET
    horizon: _Count | UnsetType = UNSET
    window: _Count | UnsetType = UNSET

    @property
    def given(self) -> dict[str, Any]:
        """The changed fields by name."""
        return {name: value for name, value in structs.asdict(self).items() if value is not UNSET}


class Experiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One panel of a figure.

    Args:
        name: Its name in claims.
        figure: Figure of the paper, such as "1 left".
        stated: Settings that the paper states.
        chosen: Settings that it leaves open, with the choice made here.
        epochs: Epochs of the whole panel.
        seeds: Number of evaluation seeds, 0, 1, …; all of them decide together.
        tuning_seeds: Number of other seeds, whose mean cost chooses each rate.
        training: Conditions of training.
        series: The curves.
    """

    name: _Text
    figure: _Text
    stated: _Text
    chosen: _Text
    epochs: _Count
    seeds: Annotated[int, Meta(ge=2)]
    tuning_seeds: _Count
    training: Training
    series: Annotated[tuple[Series, ...], Meta(min_length=2)]

    def __post_init__(self) -> None:
        _require_unique("series", (each.name for each in self.series), self.name)
        _require_known(self.training.unscheduled, self.by_name, self.name)
        counts = {each.name: len(each.rates) for each in self.series}
        if len(set(counts.values())) > 1:
            found = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise ValueError(f"{self.name}: expected as many rates for every series, got {found}")

    @property
    def by_name(self) -> dict[str, Series]:
        """The series by name."""
        return {each.name: each for each in self.series}


class Contrast(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement on the costs of two series: `first` is … `margin` … `second`.

    Args:
        first: Name of a series.
        relation: Direction in which the margin counts.
        margin: In units of the claim's quantity, on its scale.
        second: Name of the series that it is compared with.
    """

    first: _Text
    relation: Relation
    margin: _Coefficient
    second: _Text

    def __post_init__(self) -> None:
        if self.first == self.second:
            raise ValueError(f"expected two series to compare, got {self.first} twice")
        if self.relation != "lower by more than" and not self.margin:
            raise ValueError(f"{self.words}: expected a margin above 0")

    @property
    def words(self) -> str:
        """The statement: "Adam within 0.02 of SGDNesterov"."""
        link = {"lower by more than": "than", "higher by less than": "than", "within": "of"}
        return f"{self.first} {self.relation} {self.margin:g} {link[self.relation]} {self.second}"


class Variant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other conditions under which a claim may hold or not.

    Args:
        name: Name that completes "holds only if …".
        changes: The changed conditions.
    """

    name: _Text
    changes: Changes

    def __post_init__(self) -> None:
        if not self.changes.given:
            raise ValueError(f"variant {self.name!r}: expected at least one change, got none")


class Claim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim of the paper, with all that decides its verdict.

    Args:
        name: Its identifier.
        experiment: Name of its experiment.
        quotation: The paper's words, in short.
        statement: The same as a statement on measured numbers: what counts as reproduced.
        remark: How far the statement differs from the quotation, for readers; it decides nothing.
        added: When it was added and why, if later than the other claims on its figure were judged.
        horizon: Epochs after which the costs are compared.
        chosen_at: Epochs after which the cost chooses the rates; None for the horizon.
        window: The quantity is the mean cost over this number of epochs up to the horizon.
        level: If given, the quantity is the first epoch whose cost is at or below it instead.
        scale: Scale on which quantities are subtracted; on log10, 1 is a factor of ten.
        rate: Learning rate at which the series are compared; None for the best of each.
        contrasts: Statements that must all be shown.
        beside: Further series of its figure, which are trained and drawn with those that are
            compared, and decide nothing.
        variants: Other conditions, in the order in which they are named.
    """

    name: _Text
    experiment: _Text
    quotation: _Text
    statement: _Text
    remark: str = ""
    added: str = ""
    horizon: _Count
    chosen_at: _Count | None = None
    window: _Count = 1
    level: _Positive | None = None
    scale: Scale = "linear"
    rate: _Positive | None = None
    contrasts: Annotated[tuple[Contrast, ...], Meta(min_length=1)]
    beside: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()

    def __post_init__(self) -> None:
        if self.window > self.horizon:
            raise ValueError(
                f"{self.name}: expected a window of at most {self.horizon} epochs, "
                f"got {self.window}"
            )
        if self.level is not None and self.window > 1:
            raise ValueError(f"{self.name}: expected a level or a window of epochs, not both")
        _require_unique("variant", (each.name for each in self.variants), self.name)
        _require_unique("series", (*self.series, *self.beside), self.name)

    @property
    def series(self) -> tuple[str, ...]:
        """Names of the compared series, each once."""
        names = (name for each in self.contrasts for name in (each.first, each.second))
        return tuple(dict.fromkeys(names))


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was expected of some claims before they were tested, such as by other reproductions.

    Args:
        statement: The expectation, as a sentence without full stop.
        claims: Names of the claims that it is about.
        variant: Name of the variant of each that it is about; empty for the claims as they are.
        expected: "holds" if they were expected to be shown, "fails" if their opposites were.
    """

    statement: _Text
    claims: Annotated[tuple[_Text, ...], Meta(min_length=1)]
    variant: str = ""
    expected: Literal["holds", "fails"] = "holds"


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of all verdicts on a paper.

    Args:
        paper: The paper.
        source: Origin of the published curves.
        alpha: Level of the family of claims, corrected by Holm's method; the family of all
            variants is another, at the same level.
        widenings: Number of times that a grid is widened, by one rate at its open end, if the best
            rate lies there.
        experiments: The panels.
        claims: The claims.
        expectations: What other reproductions say of some claims; no verdict depends on it.
    """

    paper: _Text
    source: _Text
    alpha: Annotated[float, Meta(gt=0, lt=1)]
    widenings: Annotated[int, Meta(ge=0)]
    experiments: tuple[Experiment, ...]
    claims: Annotated[tuple[Claim, ...], Meta(min_length=1)]
    expectations: tuple[Expectation, ...] = ()

    def __post_init__(self) -> None:
        _require_unique("experiment", (each.name for each in self.experiments), "rules")
        _require_unique("claim", (each.name for each in self.claims), "rules")
        for claim in self.claims:
            _check_claim(claim, self.experiment(claim))
        by_name = {claim.name: claim for claim in self.claims}
        for expectation in self.expectations:
            for name in expectation.claims:
                variants = {each.name: each for each in pick(by_name, name, "claim").variants}
                if expectation.variant:
                    pick(variants, expectation.variant, f"variant of {name}")

    def experiment(self, claim: Claim) -> Experiment:
        """Return the experiment of a claim.

        Raises:
            ValueError: there is none of that name.
        """
        by_name = {each.name: each for each in self.experiments}
        found: Experiment = pick(by_name, claim.experiment, "experiment")
        return found

    def training(self, claim: Claim, variant: Variant | None = None) -> Training:
        """Return the conditions of training of a claim or of its variant."""
        training = self.experiment(claim).training
        changes = variant.changes.given if variant else {}
        names = Training.__struct_fields__
        return structs.replace(training, **{k: v for k, v in changes.items() if k in names})


def read_rules(path: Path = PATH) -> Rules:
    """Return the rules in a file.

    Raises:
        UsageError: the file is missing, or it is not valid; the message has the place in it.
    """
    try:
        return msgspec.convert(tomllib.loads(read_file(path, _MOST_BYTES).decode()), Rules)
    except FileNotFoundError:
        raise UsageError(f"there are no rules in {path}: install the suite again") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not valid: {plain(error, 300)}") from None


@cache
def rules() -> Rules:
    """Return the rules of the Adam paper, read once."""
    return read_rules()


def horizon_of(claim: Claim, variant: Variant | None = None) -> int:
    """Return the epochs after which the costs of a claim or of its variant are compared."""
    changed = variant.changes.horizon if variant else UNSET
    return claim.horizon if changed is UNSET else changed


def window_of(claim: Claim, variant: Variant | None = None) -> int:
    """Return the number of epochs whose costs are averaged in a claim or in its variant."""
    changed = variant.changes.window if variant else UNSET
    return claim.window if changed is UNSET else changed


def chosen_at(claim: Claim, variant: Variant | None = None) -> int:
    """Return the epochs after which the cost chooses the rates of a claim or of its variant."""
    changed = variant.changes.chosen_at if variant else UNSET
    found = claim.chosen_at if changed is UNSET else changed
    return horizon_of(claim, variant) if found is None else found


def _check_claim(claim: Claim, experiment: Experiment) -> None:
    _require_known((*claim.series, *claim.beside), experiment.by_name, claim.name)
    for variant in claim.variants:
        _require_known(variant.changes.given.get("unscheduled", ()), experiment.by_name, claim.name)
    for each in (None, *claim.variants):
        _check_cost(claim, each, experiment.training)
        window = window_of(claim, each)
        for epochs in (horizon_of(claim, each), chosen_at(claim, each)):
            if not window <= epochs <= experiment.epochs:
                raise ValueError(
                    f"{claim.name}: expected a horizon and choice after {window} to "
                    f"{experiment.epochs} epochs as in {experiment.name}, got {epochs}"
                )
    for name in (*claim.series, *claim.beside) if claim.rate is not None else ():
        rates = experiment.by_name[name].rates
        if not any(math.isclose(claim.rate or 0.0, rate) for rate in rates):
            raise ValueError(
                f"{claim.name}: expected a rate of {name}, {_list(rates)}; got {claim.rate:g}"
            )


def _check_cost(claim: Claim, variant: Variant | None, training: Training) -> None:
    cost = variant.changes.given.get("cost", training.cost) if variant else training.cost
    if cost == "evaluated" and (claim.level is not None or window_of(claim, variant) > 1):
        raise ValueError(
            f"{claim.name}: expected a window of 1 epoch and no level for evaluated costs, "
            "which are known only at the end of a trial"
        )


def _require_unique(kind: str, names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{where}: expected each {kind} once, got {name} twice")
        seen.add(name)


def _require_known(names: Iterable[str], known: dict[str, Series], where: str) -> None:
    for name in names:
        try:
            pick(known, name, "series")
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None


def _list(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:g}" for rate in rates)
