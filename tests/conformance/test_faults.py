"""The checks find what is planted, say nothing else, and say it in numbers."""

import inspect
from dataclasses import replace
from functools import cache, partial

import pytest
import torch

from optimizers.conformance import CHECKS, examine, look_at
from optimizers.conformance.making import making_of
from optimizers.conformance.outcome import apply
from tests.plugins import contracts, faulty, sound, subtle

# What each planted fault fails at.
WRONG = {
    "NeedsMomentumFromTheStart": {
        "a group can have each hyperparameter of its own",
    },
    "CountsForAllInstances": {"two optimizers keep to themselves"},
    "CountsGlobally": {
        "a state dict restores to the bit",
        "a pickled optimizer goes on",
    },
    "ForgetsTheDecay": {
        "weight decay has an effect",
    },
    "DecaysTheFrozen": {
        "a parameter without gradient rests",
    },
    "CallsTheClosureWithoutGradients": {
        "a closure runs with gradients enabled",
    },
    "KeepsTheLoss": {
        "the loss of the closure is returned",
    },
    "IgnoresTheClosure": {
        "a closure runs with gradients enabled",
        "a step with closure is a step after it",
    },
    "RestoresNothing": {
        "a state dict restores to the bit",
        "a pickled optimizer goes on",
    },
    "StepIsRestoredAsZero": {
        "a state dict restores to the bit",
    },
    "SavesMomentsInFullPrecisionAndLoadsHalf": {
        "state keeps its type when loaded",
    },
    "WritesThroughMemory": {
        "strided parameters move as contiguous ones",
        "channels last parameters move as contiguous ones",
    },
    "CopiesWhatIsNotContiguous": {
        "strided parameters move as contiguous ones",
        "channels last parameters move as contiguous ones",
    },
    "LosesTheTail": {
        "elements move as by themselves whatever the size",
        "a slice of a parameter moves as by itself",
    },
    "LosesHalfPrecision": {
        "bfloat16 parameters move",
    },
    "DividesByZero": {
        "zero gradients do no harm",
    },
    "CachesTheRate": {
        "a new learning rate takes effect",
    },
    "HasOneRate": {
        "two groups are two optimizers",
    },
    "WorksOnCopies": {
        "accumulated gradients count as their sum",
        "zero grad clears both ways",
        "a step with closure is a step after it",
        "parameters stay the same objects",
        "a tied weight moves once",
        "it goes downhill",
    },
    "KeepsStateByPosition": {
        "parameters of equal shape keep to themselves",
    },
    "LeansOnTheOrder": {
        "the order of parameters does not matter",
        "parameters of equal shape keep to themselves",
        "equal shapes can change places",
        "an empty parameter disturbs nothing",
        "a slice of a parameter moves as by itself",
    },
    "IsRandom": {
        "the same gradients give the same bits",
    },
    "Climbs": {
        "weight decay pulls to zero",
        "it goes downhill",
    },
    "MaximizesByHalves": {
        "weight decay pulls to zero",
        "maximize climbs what minimize descends",
    },
    "BreaksZeroGrad": {
        "zero grad clears both ways",
    },
    "SkipsTheSkip": {
        "a gradient scaler skips an overflow",
    },
    "IgnoresMomentum": {
        "a cycled momentum takes effect",
    },
    "RoundsTensorRates": {
        "a learning rate can be a tensor",
    },
    "NeverMoves": {
        "takes plain steps",
    },
    "DecaysAwayFromZero": {
        "weight decay pulls to zero",
    },
    "DecaysDecoupledAwayFromZero": {
        "weight decay pulls to zero",
    },
    "DecaysAwayWhereItMaximizes": {
        "weight decay pulls to zero",
        "maximize climbs what minimize descends",
    },
    "KeepsEveryGradient": {
        "memory does not grow with steps",
    },
    "KeepsEveryLossInItself": {
        "memory does not grow with steps",
    },
    "KeepsGradientsInTheClass": {
        "memory does not grow with steps",
    },
    "KeepsNumbersInTheClass": {
        "memory does not grow with steps",
    },
    "GrowsATensor": {
        "memory does not grow with steps",
    },
    "GrowsATensorInTheClass": {
        "memory does not grow with steps",
    },
    "KeepsTheGraph": {
        "parameters and state hold no graph",
    },
    "DrawsForNothing": {
        "random generators are left alone",
    },
    "AddsNoise": {
        "random generators are left alone",
    },
    "DrawsFromPython": {
        "random generators are left alone",
    },
    "SeedsTheGenerator": {
        "random generators are left alone",
    },
    "ReplacesTheData": {
        "parameters keep their memory",
        "autograd sees every move",
    },
    "ReplacesTheDataOnce": {
        "parameters keep their memory",
    },
    "TransposesTheData": {
        "parameters keep their memory",
    },
    "CountsTheRateTwice": {
        "a step is proportional to the learning rate",
    },
    "CountsTheRateTwiceInMomentum": {
        "a step is proportional to the learning rate",
    },
    "RunsTheClosureTwice": {
        "a closure runs once a step",
    },
    "SharesStateByShape": {
        "parameters of equal shape keep to themselves",
        "equal shapes can change places",
        "a slice of a parameter moves as by itself",
    },
    "SharesMomentsWithinAGroup": {
        "parameters of equal shape keep to themselves",
        "equal shapes can change places",
        "a slice of a parameter moves as by itself",
    },
    "SharesStateAmongInstances": {
        "the same gradients give the same bits",
    },
    "WritesThroughData": {
        "autograd sees every move",
    },
    "WritesThroughNumpy": {
        "autograd sees every move",
    },
    "LowersItsRate": {
        "hyperparameters stay as they were set",
        "a learning rate in a tensor stays as it was",
    },
    "ChangesARateInPlace": {
        "a learning rate can be a tensor",
        "a learning rate in a tensor stays as it was",
    },
    "LeavesGradientsOff": {
        "settings of torch are left alone",
    },
    "ChangesTheDefaultType": {
        "settings of torch are left alone",
    },
    "SkipsVectors": {
        "every parameter moves",
        "a parameter without gradient rests",
        "a scalar parameter moves as one element",
    },
    "SkipsTheLast": {
        "every parameter moves",
        "a parameter without gradient rests",
        "the order of parameters does not matter",
        "parameters of equal shape keep to themselves",
        "equal shapes can change places",
        "a slice of a parameter moves as by itself",
    },
    "MovesTheFrozenByMomentum": {
        "a parameter frozen later rests",
        "zero grad clears both ways",
        "parameters of equal shape keep to themselves",
    },
    "SavesOnce": {
        "looking at it changes nothing",
    },
    "RestoresItsFirstRate": {
        "hyperparameters are restored",
    },
    "AddsTwinRowsOnce": {
        "a row that comes twice counts twice",
    },
    "LosesImaginaryParts": {
        "complex parameters move as pairs of reals",
    },
    "ForeachIsAnotherRule": {
        "ways of execution agree",
    },
    "GoesOnWhereAnotherStopped": {
        "an optimizer built anew starts anew",
    },
}

# What faults that show in one place alone fail at.
SUBTLE = {
    "ClimbsShorterByTheNorm": "maximize climbs what minimize descends",
    "IgnoresTheBetasOfAGroup": "a group can have each hyperparameter of its own",
    "TakesTheBetasOfTheFirstGroup": "a group can have each hyperparameter of its own",
    "LowersItsDefaultRate": "hyperparameters stay as they were set",
    "ShiftsStateWhereAGroupIsAdded": "a group added later moves as a fresh one",
    "ForgetsTheRateOfAnAddedGroup": "two groups are two optimizers",
    "CountsOneMoreAfterARestart": "a state dict restores to the bit",
    "DividesByTheNumberOfParameters": "parameters of equal shape keep to themselves",
    "DividesByTheNumberOfElements": "a slice of a parameter moves as by itself",
    "DecaysVectorsAlone": "vectors decay as matrices do",
    "ComputesInHalf": "huge gradients do no harm",
    "SkipsEveryHundredthStep": "every step moves",
    "DropsAllWhereOneIsNan": "a nan stays in its parameter",
    "ForgetsDecayWhereItMaximizes": "maximize climbs what minimize descends",
    "TakesSixtyFourInOneGo": "many parameters move as each by itself",
    "ForeachForgetsTheSecond": "ways of execution agree",
    "KeepsTheGradientItself": "the memory of a gradient is free after a step",
    "TakesZeroForNone": "a gradient of zero counts as a tiny one",
    "ForgetsMomentsOfTheFrozen": "a rest leaves the state alone",
    "StartsAnewAtANewRate": "a rate a little changed changes steps a little",
    "HearsSchedulesInTheFirstGroupAlone": "a new learning rate takes effect",
    "ClearsTheFirstGroupAlone": "zero grad clears both ways",
    "DecaysByTheSquareOfTheRate": ("weight decay is at most proportional to the learning rate"),
    "CountsInTheTypeOfTheParameter": "counts are kept in a type that counts",
    "CountsAStepWithClosureTwice": "a step with closure is a step after it",
    "LosesTheEndOfLargeTensors": "elements move as by themselves whatever the size",
    "SharesMomentsWithItsCopy": "a deep copy goes on",
}
# What may be the design of a method.
ODD = {
    "KeepsMomentsInHalf": "state is as wide as its parameter",
    "TakesTheRootWithEpsForMatrices": "elements move alike whatever the shape",
}

# What each is inconvenient at.
INCONVENIENT = {
    "FlipsTheGradient": {
        "gradients stay as they were",
    },
    "DecaysTheGradient": {
        "gradients stay as they were",
    },
    "ConsumesTheGradient": {
        "gradients stay as they were",
        "zero grad clears both ways",
    },
    "CountsInTheGroup": {
        "a parameter unfrozen late moves as a fresh one",
    },
    "CountsGlobally": {
        "a parameter unfrozen late moves as a fresh one",
        "a group added later moves as a fresh one",
    },
    "SwallowsUnknownNames": {
        "unknown hyperparameters are refused",
    },
    "ChecksNothing": {
        "negative hyperparameters are refused",
    },
    "RefusesNegativesOnly": {
        "nan hyperparameters are refused",
    },
    "SavesFunctions": {
        "a state dict goes through a file",
    },
    "CannotBeCopied": {
        "a pickled optimizer goes on",
    },
    "LosesTheTail": {
        "channels last parameters move as contiguous ones",
    },
    "TakesAbsoluteValuesOfComplex": {
        "complex parameters move as pairs of reals",
    },
    "StumblesOverSparse": {
        "sparse gradients move as dense ones",
        "a row that comes twice counts twice",
    },
    "WorksOnCopies": {
        "a parameter in two groups is refused",
        "a gradient scaler skips an overflow",
    },
    "KeepsStateByPosition": {
        "a parameter without gradient rests",
        "a parameter frozen later rests",
        "a parameter unfrozen late moves as a fresh one",
        "a state dict restores to the bit",
    },
    "SkipsHooks": {
        "hooks run before and after a step",
    },
    "ForgetsNames": {
        "parameters come as list generator groups or with names",
    },
    "TakesDuplicates": {
        "parameters come as list generator groups or with names",
        "a parameter in two groups is refused",
    },
    "NeedsMomentumFromTheStart": {
        "every scheduler of torch drives it",
        "a cycled momentum takes effect",
    },
    "FailsOnScalars": {
        "a scalar parameter moves as one element",
    },
    "KeepsTheGraph": {
        "a state dict restores to the bit",
        "a deep copy goes on",
        "hyperparameters are restored",
        "state keeps its type when loaded",
    },
    "UsesTheGradientBefore": {
        "the last gradient takes effect at once",
    },
    "AddsTwinRowsOnce": {
        "sparse gradients move as dense ones",
    },
}

# What is wrong with none of these, and the inconveniences of some that are true.
SOUND = {
    "Sound": set(),
    "MovesByTheNorm": set(),
    "MatricesAlone": set(),
    "StartsLate": set(),
    "RefusesZeroRates": set(),
    "MovesTheLargest": {"complex parameters move as pairs of reals"},
    "Averages": set(),
    "NeedsTheGraph": set(),
    "StepsOnMatricesAlone": set(),
    "TakesSparseAlone": set(),
    "LooksTwice": {"a closure runs once a step"},
    "KeepsAWindow": set(),
    "WorksInSingle": set(),
    "StepsBySign": set(),
    "StepsTogether": set(),
    "ProjectsAcross": set(),
    "CountsForAll": {
        "a parameter unfrozen late moves as a fresh one",
        "a group added later moves as a fresh one",
    },
    "SetsItsOwnRate": {"a new learning rate takes effect"},
    "CapsItsRate": set(),
    "MemoryOfManySteps": set(),
}
UNPROVED = {
    "a compiled model trains as the plain one",
    "float16 parameters move",
    "transposed parameters move as contiguous ones",
}
NOT_JUDGED = {"RaisesAtEveryStep"}
CHECK = {check.name: check for check in CHECKS}


def those(outcomes, status):
    return {outcome.check.name for outcome in outcomes if outcome.status == status}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*WRONG, *INCONVENIENT}))
def test_a_planted_fault_is_found_by_all_checks_that_name_it(name):
    outcomes = examine(getattr(faulty, name))
    failed, inconvenient = (those(outcomes, status) for status in ("failed", "inconvenient"))
    assert failed >= WRONG.get(name, set())
    assert inconvenient >= INCONVENIENT.get(name, set()) - failed
    if name not in WRONG:
        assert failed == set()
    assert all(outcome.reason for outcome in outcomes if outcome.status != "passed")


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBTLE)
def test_a_fault_that_shows_in_one_place_gives_wrong_numbers_there(name):
    assert those(examine(getattr(subtle, name), [CHECK[SUBTLE[name]]]), "failed") == {SUBTLE[name]}


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_what_may_be_design_is_said_and_is_no_fault(name):
    assert those(examine(getattr(subtle, name), [CHECK[ODD[name]]]), "inconvenient") == {ODD[name]}


@pytest.mark.slow
@pytest.mark.parametrize("name", SOUND)
def test_where_nothing_is_wrong_nothing_is_found(name):
    outcomes = examine(getattr(sound, name))
    assert outcomes[0].status == "passed"
    assert those(outcomes, "failed") == set()
    assert those(outcomes, "inconvenient") == SOUND[name]


@cache
def sound_subject():
    return look_at(sound.Sound)


def subject_like_the_sound_one(fault):
    """Return the subject of a fault planted in `Sound`, without trials, which are expensive.

    What trials find out is taken from `Sound`. Slow tests examine each fault from the start.
    """
    making = making_of(fault)
    defaults = making.factory([torch.nn.Parameter(torch.zeros(2, 3))]).defaults
    return replace(
        sound_subject(),
        factory=making.factory,
        bare=making.bare,
        keywords=making.keywords,
        defaults=sound_subject().defaults | defaults,
    )


def one_fault_per_check():
    """Yield a fault, one of its checks and the outcome, until each check that can has found one."""
    subtle_ones = {check: (subtle, name, "failed") for name, check in SUBTLE.items()}
    odd_ones = {check: (subtle, name, "inconvenient") for name, check in ODD.items()}
    wrong_ones, inconvenient_ones = (
        {check: (faulty, name, status) for name in sorted(faults) for check in sorted(faults[name])}
        for faults, status in ((WRONG, "failed"), (INCONVENIENT, "inconvenient"))
    )
    for check, found in (inconvenient_ones | wrong_ones | odd_ones | subtle_ones).items():
        module, name, status = found
        yield pytest.param(getattr(module, name), check, status, id=f"{name}-{check}")


@pytest.mark.parametrize(("fault", "check", "status"), list(one_fault_per_check()))
def test_each_check_finds_a_planted_fault(fault, check, status):
    assert apply(CHECK[check], subject_like_the_sound_one(fault)).status == status


@pytest.mark.parametrize(
    ("fault", "check", "status"),
    [
        (faulty.Climbs, "it goes downhill", "failed"),
        (subtle.KeepsMomentsInHalf, "state is as wide as its parameter", "inconvenient"),
    ],
)
def test_a_fault_is_found_from_the_start(fault, check, status):
    assert those(examine(fault, [CHECK[check]]), status) == {check}


def test_every_planted_fault_is_listed():
    planted = {name for name, each in vars(faulty).items() if inspect.isclass(each)}
    assert planted == {*WRONG, *INCONVENIENT, *NOT_JUDGED, "Sound"}
    planted = {name for name, each in vars(subtle).items() if inspect.isclass(each)}
    assert planted == {*SUBTLE, *ODD, "Sound", "SoundWithBetas"}


def test_every_check_finds_something_but_for_those_that_need_a_fault_of_another_kind():
    found = {*SUBTLE.values(), *ODD.values()}.union(*WRONG.values(), *INCONVENIENT.values())
    assert {check.name for check in CHECKS} - found == UNPROVED


# What is inconvenient about torch's own classes, each seen in torch 2.14; none gives wrong numbers.
TORCHS = {
    "Adam": set(),
    "AdamW": set(),
    "RAdam": set(),
    "SGD": {"nan hyperparameters are refused"},
    "Muon": {"negative hyperparameters are refused"},
    "Rprop": {"a new learning rate takes effect"},
    "SparseAdam": set(),
    "NAdam": {"state keeps its type when loaded"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHS)
def test_torchs_own_classes_give_no_wrong_numbers(name):
    outcomes = examine(getattr(torch.optim, name))
    assert those(outcomes, "failed") == set()
    assert those(outcomes, "inconvenient") <= TORCHS[name]
    assert len(those(outcomes, "passed")) > 40


def test_a_step_without_closure_is_no_failure_but_is_said():
    checks = [check for check in CHECKS if check.theme == "closures"]
    outcomes = {each.check.name: each for each in examine(sound.TakesNoClosure, checks)}
    assert "Lightning cannot call it" in outcomes["a closure runs with gradients enabled"].reason


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("RemembersLittle", "a cycled momentum takes effect"),
        ("GrowsForEver", "every step moves"),
    ],
)
def test_what_a_check_once_took_for_a_fault_is_none(name, check):
    checks = [each for each in CHECKS if each.name == check]
    assert check in those(examine(getattr(sound, name), checks), "passed")


def test_what_takes_no_step_is_not_judged_and_says_why_in_a_line():
    outcomes = examine(faulty.RaisesAtEveryStep)
    assert {each.status for each in outcomes} == {"not judged"}
    assert outcomes[0].reason.count("first line") == 1
    assert "kernels" not in outcomes[0].reason


def test_what_moves_on_steady_gradients_alone_is_not_judged():
    outcomes = examine(contracts.WaitsForAgreement)
    assert {each.status for each in outcomes} == {"not judged"}
    assert "where gradients agree" in outcomes[0].reason


def test_any_factory_will_do():
    names = ("unknown hyperparameters are refused", "maximize climbs what minimize descends")
    checks = [check for check in CHECKS if check.name in names]
    by_partial = examine(partial(torch.optim.Adam, lr=0.5), checks)
    by_lambda = examine(lambda params: torch.optim.Adam(params, lr=0.5), checks)
    assert those(by_partial, "failed") == those(by_lambda, "failed") == set()
    assert "unknown hyperparameters are refused" in those(by_lambda, "not applicable")
    assert "maximize climbs what minimize descends" in those(by_lambda, "passed")


def test_the_checks_leave_torchs_generator_alone():
    before = torch.get_rng_state()
    examine(torch.optim.Adam, CHECKS[:1])  # each check is watched in test_checks.py
    assert torch.equal(torch.get_rng_state(), before)


def test_every_check_says_in_one_sentence_what_it_is_good_for():
    meanings = [check.meaning for check in CHECKS]
    assert len(set(meanings)) == len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(meaning.endswith(".") and len(meaning) > 30 for meaning in meanings)
