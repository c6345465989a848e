"""Statistics of records, without drawing; neither torch nor Lightning is imported.

A report reads records, chooses variants, computes scores and compares them. Everything is a pure
function of polars frames with documented columns and returns a frame or a frozen dataclass; absent
numbers are null.

    frame        read(stores) -> Frames                    trials and curves of one or more studies
    rounding     rounded(metric, value)                    without spurious float32 digits
    curves       lines(frames, metric, axis)               every observed point of every trial
                 bands(frames, metric, axis, center=…)     mean or median, 95 %, IQR, min-max
                 both_bands(frames, metric, axis)          bands of mean and median in one table
                 endings(frames, metric, axis)             where trials diverged
                 sparse(frames, metric, count)             frames with fewer recorded places
                 thin(points, count)                       a subset of the points
    finals       scores(frames, metric, kind=…)            one number per trial: final, best, area
                 leaderboard(scores)                       one row per variant, with intervals
                 best_variants(frames)                     each optimizer's best hyperparameters
                 winners(frames)                           the best variants of each setting
                 only(frames, variants)                    the part of the frames of some variants
    intervals    mean_interval, median_interval            95 %, named by method, None if too few
                 student_bounds, share_bounds              Student's t; of shares, within 0 to 1
    compare      against(scores, reference)                paired tests, Holm, effect
                 pairwise(scores)                          the same for all pairs
    verdicts     judge(family)                             better, worse, equivalent, undecided …
                 overall(verdicts)                         one word over all problems
                 every_pair(metric, values)                p of all pairs, corrected by max-T
    pairs        all_pairs(judgement)                      all pairs of a setting, exploratory
    paired       paired_t, equivalence_p, max_t            tests of gains over the same seeds
    power        further_seeds                             seeds that would probably decide
    signed_rank  effect_and_p(signed_ranks(gains))         Wilcoxon's test, exact with ties
    targets      time_to_target(frames, metric, target, axis)   per trial, censored
                 target_table(times)                       per variant: seeds that reach it, median
                 reaching(times)                           share of seeds that reached it, over time
                 target_of(problem, metric, scores, given) from the user, the table or the race
    profiles     target_times(frames, metric, axis)        target tables of all settings
                 ratios(times), profile(times), profile_scores(times)   Dolan-Moré, AlgoPerf's score
    ranks        rank(blocks) -> Ranking                   average ranks, Friedman, Nemenyi's CD
    sensitivity  by_learning_rate(scores)                  the score at each learning rate
                 basins(responses)                         width within x % of the best, grid edges
                 expected_best(scores)                     after k variants, unbiased
    cost         costs(frames)                             ms per step, s per epoch, state bytes
    diagnostics  diagnostics(frames, axis)                 recorded diagnostics as a long table

`summary` works without frames: it serves the terminal's table, which must start fast.
"""
