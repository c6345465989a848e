"""From records to numbers; neither torch nor Lightning is imported, and nothing is drawn.

A report takes this way: read, choose, count, compare. Everything is a pure function over frames
(polars, documented columns) and gives a frame or a frozen dataclass; absent numbers are null.

    frame        read(stores) -> Frames                    trials and curves of one or more studies
    rounding     rounded(metric, value)                    without digits that recording made up
    curves       lines(frames, metric, axis)               every observed point of every trial
                 bands(frames, metric, axis, center=…)     mean or median, 95 %, IQR, min-max
                 both_bands(frames, metric, axis)          those of mean and median in one table
                 endings(frames, metric, axis)             where trials diverged
                 sparse(frames, metric, count)             the same, seen at fewer places
                 thin(points, count)                       fewer points, none invented
    finals       scores(frames, metric, kind=…)            one number per trial: final, best, area
                 leaderboard(scores)                       one row per variant, with intervals
                 best_variants(frames)                     each optimizer's best hyperparameters
                 winners(frames)                           the best variants of each setting
                 only(frames, variants)                    the frames of those variants alone
    intervals    mean_interval, median_interval            95 %, named by method, None if too few
    compare      against(scores, reference)                paired tests, Holm, effect, verdict
                 pairwise(scores)                          the same, everyone with everyone
                 seeds_needed(comparisons)                 how many pairs a verdict takes
    signed_rank  effect_and_p(signed_ranks(gains))         Wilcoxon's test, exact with ties
    targets      time_to_target(frames, metric, target, axis)   per trial, censored
                 target_table(times)                       per variant: how many reach it, and when
                 reaching(times)                           share that has reached it, over time
                 suggested_target(scores)                  one that half of the optimizers reach
    profiles     target_times(frames, metric, axis)        target tables of all settings
                 ratios(times), profile(times), profile_scores(times)   Dolan-Moré, AlgoPerf's score
    ranks        rank(blocks) -> Ranking                   average ranks, Friedman, Nemenyi's CD
    sensitivity  by_learning_rate(scores)                  the score at each learning rate
                 basins(responses)                         width within x % of the best, grid edges
                 expected_best(scores)                     after k of the trials, unbiased
    cost         costs(frames)                             ms a step, s an epoch, bytes of state
    diagnostics  diagnostics(frames, axis)                 what steps did to each layer, long

`summary` stands apart: the terminal's table, which must start fast, needs no frame.
"""
