"""The page's glossary: definitions that appear when a reader hovers over or taps a term."""

from collections.abc import Collection, Iterable, Mapping

from benchmark.axes import AXES
from benchmark.metrics import CHOOSING, PER_CENT, metric_of, metric_words, names_of, plurals
from benchmark.report.words import best_first, evaluated_words, together

_DEFINED = names_of(lambda metric: metric.splits * bool(metric.meaning))


def _scale_words(measured: Collection[str]) -> str:
    """Return the scale of each metric's axis: "log for losses, linear for accuracies"."""
    log = plurals(measured, lambda metric: metric.logarithmic)
    linear = plurals(measured, lambda metric: not metric.logarithmic)
    found = [("log", log), ("linear", linear)]
    words = [f"{scale} for {together(names)}" for scale, names in found if names]
    return ", ".join(words) or "linear"


def _logit_words(measured: Collection[str]) -> str:
    """Return the sentence on intervals of shares; empty if none was measured."""
    shares = plurals(measured, lambda metric: metric.unit == PER_CENT)
    return f"For {together(shares)} it is computed on the logit scale. " if shares else ""


# Parts of definitions that depend on what was measured.
_PARTS = (best_first, evaluated_words, _scale_words, _logit_words)
_BEST_FIRST, _EVALUATED, _SCALES, _LOGITS = (words(CHOOSING) for words in _PARTS)

GLOSSARY = {
    **{axis.words: axis.meaning for axis in AXES.values()},
    **{metric_words(name): metric_of(name).meaning for name in _DEFINED},
    "problem": "A model on a data set.",
    "metric": (
        f"The quantity that is measured. {_EVALUATED} are evaluated without dropout, on "
        "training, validation or test data. Test data never choose."
    ),
    "setting": (
        "What trials must share to be compared: problem, budget, batch size, regularization, "
        "accelerator, precision. Only the optimizer and the seed differ within a setting."
    ),
    "variant": "An optimizer with its hyperparameters. Its trials differ only in the seed.",
    "seed": (
        "A seed determines the initial weights, the batch order and the dropout masks. It "
        "determines the same for every optimizer, so results of one seed can be compared in pairs."
    ),
    "chosen hyperparameters": (
        f"For each optimizer, the variant with the {_BEST_FIRST}, at the end of training. Variants "
        "of which no seed diverged come first. Test data never choose."
    ),
    "nats": (
        "The unit of natural logarithms: a loss of 1 nat is one of 1.44 bits. The loss of a "
        "classification is in nats for each example, that of a text in nats for each character, "
        "and that of an autoencoder in nats for each image."
    ),
    "final value": "The last value of the metric. A diverged trial has no final value.",
    "optimum on the way": (
        "The best value during training. For a test metric, the value at the point where the "
        "validation metric was best."
    ),
    "area under the curve": (
        "The mean height of the curve over steps, by the trapezoid rule. It rewards fast progress."
    ),
    "mean": (
        "The mean over the seeds that are done. Diverged seeds are left out and counted separately."
    ),
    "95 % interval": (
        "The interval of a mean over seeds is Student's t interval. It assumes normally "
        "distributed values, and covers the mean of strongly skewed (lognormal) values in only 82 "
        f"to 88 % of cases. {_LOGITS}The interval of a "
        "median comes from order statistics, and needs 6 seeds. The interval of a time to target "
        "that some trial did not reach comes from Brookmeyer and Crowley’s test on the "
        "Kaplan-Meier curve."
    ),
    "interquartile range": (
        "The range from the first to the third quartile of the seeds. It shows spread, not "
        "uncertainty."
    ),
    "min–max": ("The range from the lowest to the highest seed. It shows spread, not uncertainty."),
    "median": "The middle value of the seeds that are done.",
    "std": (
        "The standard deviation over seeds (n − 1). It describes single trials, not their mean."
    ),
    "difference": (
        "The mean, over paired seeds, of this variant minus the other, with its 95 % interval."
    ),
    "wins": (
        "The number of seeds in which this variant is better than the other. A diverged trial "
        "loses."
    ),
    "effect": (
        "Matched-pairs rank-biserial correlation: 1 if this variant is better in every pair, −1 if "
        "it is worse in every pair, 0 if wins and losses balance."
    ),
    "p": (
        "Two-sided p of the paired t test over seeds, or of Wilcoxon's signed-rank test if one of "
        "them diverged, corrected by Holm's method for all comparisons of the setting. Exploratory."
    ),
    "reference": (
        "The variant that the others are compared with. Unless one is named, it is the one with "
        "the lowest loss. That choice is made on the same seeds, which flatters the reference; "
        "naming one beforehand avoids this."
    ),
    "verdict": (
        "The verdict compares the final validation loss with that of the reference on the declared "
        "seeds, by paired t tests with Holm's correction over the whole study. Equivalent: the "
        "90 % interval lies inside the margin. Better or worse: p is at most 5 %. Undecided: "
        "neither. There is no verdict if tuning was not equal, if the best learning rate lies at "
        "an edge, or with fewer than 5 seeds."
    ),
    "max-T": (
        "Two-sided p of a paired difference, corrected for all pairs of the problem by step-down "
        "max-T (Westfall & Young 1993): the signs of whole seeds are flipped together. All flips "
        "are tried up to 13 seeds, otherwise 4,096 of them. With n seeds it cannot be smaller than "
        "2·½ⁿ. It decides no verdict."
    ),
    "margin": (
        "The largest difference that does not matter: the reference's standard deviation over "
        "seeds, but at least 1 % and at most 5 % of its mean, in the shipped baselines of the "
        "problem if there are any, otherwise on tuning seeds. It is fixed before the evaluation."
    ),
    "tuning seed": (
        "A seed that is used only to choose hyperparameters. Its results are never compared, "
        "because the chosen point was selected for its good value on this seed."
    ),
    "smoothing": (
        "A centred moving average over neighbouring points of the curve. Read-outs and tables are "
        "never smoothed."
    ),
    "axis": (
        "Linear: equal distances are equal differences. Log: equal distances are equal ratios, and "
        f"values that are not above 0 are not drawn. By metric: {_SCALES}."
    ),
    "individual seeds": (
        "Each trial is drawn as a thin line. A cross marks the point where it diverged."
    ),
    "target": (
        "The value that optimizers race to. It is given by --target; otherwise it is the "
        "validation loss that the median seed of tuned Adam has after three quarters of the "
        "problem's epochs. A problem without such a value gets one from the race: the value that "
        "half of the optimizers reach by the median of their seeds, rounded to the easy side to "
        "three digits."
    ),
    "reached": (
        "The number of trials whose metric was at or beyond the target at an evaluation, out of "
        "all trials that are done or diverged."
    ),
    "time to target": (
        "The Kaplan-Meier median, over seeds, of the time of the first evaluation that reaches the "
        "target. A trial that ends before counts as longer than its own length; a diverged trial "
        "never reaches the target."
    ),
    "performance profile": (
        "The share of settings in which an optimizer needs at most τ times as much as the fastest "
        "optimizer there (Dolan and Moré)."
    ),
    "profile score": (
        "The area under the performance profile from τ = 1 to 4, as AlgoPerf defines it. It is 1 "
        "if the optimizer is the fastest everywhere, and 0 if it never finishes within 4 times "
        "the time of the fastest."
    ),
    "chosen lr": (
        "The learning rate, among those tried, with the best mean of the final metric. For a test "
        "metric, the validation metric chooses. Rates at which no seed diverged come first."
    ),
    "at it": (
        "The mean of the final metric at the best learning rate, over the seeds that are done."
    ),
    "basin": (
        "The unbroken range of tried learning rates around the best one in which the mean stays "
        "within 10 % of the best and no seed diverged. Its width is a lower bound, because rates "
        "between those tried are unknown. It is not defined if the best mean is not positive."
    ),
    "decades": "The width of the basin in powers of ten: 0.01 to 1 are two decades.",
    "rates in it": "The number of tried learning rates inside the basin, of all that were tried.",
    "edge": (
        "The best learning rate is the highest or lowest one tried. A better one may lie beyond it."
    ),
    "expected best": (
        "The best result among k of the variants, averaged over all ways to choose k of them "
        "without replacement (Tang et al. 2020). A diverged variant counts as worst."
    ),
    "layer": (
        "The group of parameters: all of them, or those of one layer, named as in the network."
    ),
    "gradient norm": "The norm of the gradient, before the optimizer changes it.",
    "update norm": "The norm of the change that a step makes to the weights, with weight decay.",
    "update ratio": "The norm of the update divided by that of the weights; often near 0.001.",
    "effective step": (
        "The norm of the update divided by that of the gradient. Gradient descent with this "
        "learning rate would take a step of the same length."
    ),
    "cosine": (
        "The cosine of the angle between the update and the negative gradient: 1 is straight "
        "down, 0 is across, below 0 is uphill."
    ),
    "signal to noise": (
        "The mean of |m̂|/√v̂ for Adam-like optimizers. It is near 1 where gradients agree from "
        "step to step, and near 0 where they cancel."
    ),
    "average rank": (
        "The rank among the optimizers, averaged over blocks; 1 is best. Ties share a rank, and a "
        "diverged trial has the last rank."
    ),
    "critical difference": (
        "Average ranks that differ by more than this are different at the 5 % level (Nemenyi). "
        "A bar joins optimizers that cannot be told apart."
    ),
    "Friedman": (
        "A test of the hypothesis that all optimizers are equal, by permutation within blocks."
    ),
    "ms per step": (
        "The median over seeds of the time of a training step, forward and backward pass included. "
        "The quartiles stand behind it."
    ),
    "optimizer ms": "The time of the optimizer's own step, where it was measured.",
    "s per epoch": "The median training time of an epoch, without evaluation and logging.",
    "state bytes": "The bytes of optimizer state for each parameter, where they were recorded.",
    "machines": (
        "The number of kinds of machines that ran the trials. Times of different kinds cannot be "
        "compared."
    ),
    "diverged": (
        "The loss was not finite or grew beyond all bounds. Divergence is a result: it counts as "
        "worst in ranks and comparisons, and is left out of means."
    ),
    "failed": "The trial crashed. This is not a result; the same command runs the trial again.",
    "skipped": (
        "The machine could not run the trial because it lacks a GPU or a precision. This is not a "
        "result."
    ),
    "folder": (
        "The folder of the trial inside that of its study. It holds the trial's log and its record."
    ),
}


def glossary(measured: Collection[str]) -> Mapping[str, str]:
    """Return the glossary of a page on these metrics, without the definitions of others."""
    parts = [(words(CHOOSING), words(measured)) for words in _PARTS]
    absent = {metric_words(name) for name in _DEFINED if name not in measured}
    return {term: _replaced(words, parts) for term, words in GLOSSARY.items() if term not in absent}


def _replaced(text: str, parts: Iterable[tuple[str, str]]) -> str:
    for before, now in parts:
        text = text.replace(before, now)
    return text
