"""The page's glossary: definitions that appear when a reader hovers over or taps a term."""

from collections.abc import Collection, Mapping

from benchmark.metrics import AXES, CHOOSING, metric_of, metric_words, names_of
from benchmark.report.words import best_first

_DEFINED = names_of(lambda metric: metric.splits * bool(metric.meaning))
_BEST_FIRST = best_first(CHOOSING)

GLOSSARY = {
    **{axis.words: axis.meaning for axis in AXES.values()},
    **{metric_words(name): metric_of(name).meaning for name in _DEFINED},
    "problem": "A model on a data set.",
    "metric": (
        "What is measured. Losses and accuracies are evaluated without dropout, on training, "
        "validation or test data. Test data never choose."
    ),
    "setting": (
        "What trials must share to be compared: problem, budget, batch size, regularization, "
        "accelerator, precision. Only the optimizer and the seed differ within a setting."
    ),
    "variant": "An optimizer with its hyperparameters. Its trials differ in nothing but the seed.",
    "seed": (
        "A seed decides initial weights, batch order and dropout masks, and it decides them "
        "alike for every optimizer: results of one seed can be compared in pairs."
    ),
    "chosen hyperparameters": (
        f"Of each optimizer the variant with the {_BEST_FIRST}, at the end; one of which no seed "
        "diverged comes first. Test data never choose."
    ),
    "final value": "The last value of the metric. A trial that diverged has none.",
    "optimum on the way": (
        "The best value on the way. Of a test metric, the value where validation was best."
    ),
    "area under the curve": (
        "The mean height of the curve over steps, by the trapezoid rule: rewards being early."
    ),
    "mean": "Mean over the seeds that are done. Diverged seeds are left out and counted apart.",
    "95 % interval": (
        "Of the mean over seeds: by Student's t, which takes them as normally distributed and "
        "covers the mean of strongly skewed (lognormal) values in only 82 to 88 % of cases; of "
        "accuracies on the logit scale. Of a median: by order statistics, "
        "from 6 seeds on; of a time to target for which a trial was not watched to the end, by "
        "Brookmeyer and Crowley’s test on the Kaplan-Meier curve."
    ),
    "interquartile range": (
        "From the first to the third quartile of the seeds: a spread, not an uncertainty."
    ),
    "min–max": "From the lowest to the highest seed: a spread, not an uncertainty.",
    "median": "Middle value over the seeds that are done.",
    "std": "Standard deviation over seeds (n − 1): spread of single trials, not of their mean.",
    "difference": (
        "Mean over paired seeds of this variant minus the other, with its 95 % interval."
    ),
    "wins": "Seeds in which this variant is better than the other. A diverged trial loses.",
    "effect": (
        "Matched-pairs rank-biserial correlation: 1 if better in every pair, −1 if worse in "
        "every pair, 0 if balanced."
    ),
    "p": (
        "Two-sided p of Wilcoxon's exact signed-rank test on paired seeds, corrected by Holm "
        "for all comparisons of the setting. With n pairs it cannot be smaller than 2·½ⁿ."
    ),
    "reference": (
        "What the others are compared with: the one with the lowest loss, if no other is chosen. "
        "Chosen after looking at the same seeds, which flatters it; one named beforehand is not."
    ),
    "verdict": (
        "On the final validation loss of the declared seeds against the reference, by paired t "
        "tests with Holm's correction over all of the study. Equivalent: the 90 % interval lies "
        "inside the margin. Better or worse: p is at most 5 %. Otherwise undecided. No verdict "
        "where tuning was not equal, from an edge, or below 5 seeds."
    ),
    "margin": (
        "The largest difference that does not matter: 1 % of the reference's mean or its standard "
        "deviation over tuning seeds, the larger, fixed before the evaluation."
    ),
    "tuning seed": (
        "A seed that only chooses hyperparameters. Its results are never compared: the chosen "
        "point was picked for being good on it."
    ),
    "smoothing": (
        "Centred moving average over neighbouring points of what is drawn. Read-outs and tables "
        "are never smoothed."
    ),
    "axis": (
        "Linear: equal distances are equal differences. Log: equal distances are equal ratios, and "
        "what is not above 0 is not drawn. By metric: log for losses, linear for accuracies."
    ),
    "individual seeds": "Every trial by itself, as a thin line. A cross marks where one diverged.",
    "target": (
        "The value that optimizers race to: given by --target; or the validation loss that the "
        "median seed of tuned Adam has after three quarters of the budget; or, from the race, the "
        "value that half of the optimizers reach by the median of their seeds, rounded to the "
        "easy side to three digits."
    ),
    "reached": (
        "Trials whose metric was at or beyond the target at an evaluation, of all that are done "
        "or diverged."
    ),
    "time to target": (
        "Kaplan-Meier median over seeds of the first evaluation that reaches the target. A "
        "trial that ends before counts as longer than it was watched; a diverged one never "
        "reaches it."
    ),
    "performance profile": (
        "Dolan and Moré: the share of settings in which an optimizer needs at most τ times what "
        "the fastest there needs."
    ),
    "profile score": (
        "Area under the performance profile from τ = 1 to 4, as AlgoPerf defines it: 1 is "
        "fastest everywhere, 0 never within 4 times the fastest."
    ),
    "chosen lr": (
        "The tried learning rate with the best mean of the final metric, for a test metric that on "
        "validation data; one at which no seed diverged comes first."
    ),
    "at it": "Mean of the final metric at the best learning rate, over the seeds that are done.",
    "basin": (
        "The unbroken stretch of tried learning rates around the best one whose mean is within "
        "10 % of it and of which no seed diverged. Between tried rates: a lower bound. Not defined "
        "where the best mean is not positive."
    ),
    "decades": "How wide the basin is in powers of ten: from 0.01 to 1 are two.",
    "rates in it": "Tried learning rates inside the basin, of all that were tried.",
    "edge": (
        "The best learning rate is the last one tried on that side: a better one may lie beyond."
    ),
    "expected best": (
        "Mean over all ways to try k of the variants of the best result among them, without "
        "replacement (Tang et al. 2020). A diverged variant counts as worst."
    ),
    "layer": (
        "All parameters together, or those of one layer: its name in the network, after its place."
    ),
    "gradient norm": "Norm of the gradient, before the optimizer does anything to it.",
    "update norm": "Norm of what a step added to the weights, weight decay included.",
    "update ratio": "Norm of the update next to that of the weights; often near 0.001.",
    "effective step": (
        "Norm of the update next to that of the gradient: the learning rate with which gradient "
        "descent would have gone as far."
    ),
    "cosine": (
        "Between the update and minus the gradient: 1 straight down, 0 across, below 0 uphill."
    ),
    "signal to noise": (
        "Mean of |m̂|/√v̂ of Adam-like optimizers: near 1 where gradients agree from step to step, "
        "near 0 where they cancel."
    ),
    "average rank": (
        "Rank among the optimizers, 1 is best, averaged over blocks; ties share a rank, "
        "diverged is last."
    ),
    "critical difference": (
        "Nemenyi's: average ranks further apart than this differ at 5 %. Those joined by a bar "
        "cannot be told apart."
    ),
    "Friedman": "Test that all optimizers are equal, by permutation within blocks.",
    "ms per step": (
        "Median over seeds of the time of a training step, forward and backward pass included; "
        "quartiles behind it."
    ),
    "optimizer ms": "Time of the optimizer's own step, where it was measured.",
    "s per epoch": "Median training time of an epoch, without evaluation and logging.",
    "state bytes": "Bytes of optimizer state for each parameter, where they were recorded.",
    "machines": (
        "On how many kinds of machines the trials ran; times of several cannot be compared."
    ),
    "diverged": (
        "The loss was not finite or grew beyond all bounds. It is a result: it counts as worst "
        "in ranks and comparisons, and is left out of means."
    ),
    "failed": ("The trial crashed. It is no result; running the command again repeats it."),
    "skipped": "The machine could not run the trial, for want of a GPU or a precision. No result.",
    "folder": "Of the trial, in the folder of its study: its log and its record.",
}


def glossary(measured: Collection[str]) -> Mapping[str, str]:
    """Return the glossary of a page on these metrics."""
    chosen_by = best_first(measured)
    return {term: words.replace(_BEST_FIRST, chosen_by) for term, words in GLOSSARY.items()}
