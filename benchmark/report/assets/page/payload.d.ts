// Made by tests/javascript/declare_payloads.py from the dataclasses of the payload.

/** An axis that curves are drawn over. */
export interface Axis {
  name: "step" | "epoch" | "samples" | "train_seconds";
  words: string;
  by_step: boolean;
}

/** Statistics over seeds of every variant, one variant's curve after the other. */
export interface Bands {
  variants: number[];
  lengths: number[];
  places: number[];
  seconds: Packed | null;
  fields: string[];
  values: Packed;
  notes: [string, string];
}

/** Ranges of good learning rates, by `sensitivity.basins`. */
export interface Basins {
  optimizer: number[];
  best_lr: (number | null)[];
  best: (number | null)[];
  low_lr: (number | null)[];
  high_lr: (number | null)[];
  decades: (number | null)[];
  inside: (number | null)[];
  tried: number[];
  edge: ("lowest" | "highest" | "only" | null)[];
}

/** A leaderboard, by `finals.leaderboard`. */
export interface Board {
  variant: number[];
  lr: (number | null)[];
  seeds: number[];
  diverged: number[];
  mean: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  median: (number | null)[];
  median_low: (number | null)[];
  median_high: (number | null)[];
  std: (number | null)[];
  minimum: (number | null)[];
  maximum: (number | null)[];
  method: (string | null)[];
}

/** The result on evaluation seeds of the point that a search with one budget would choose. */
export interface BudgetPoint {
  budget: number;
  label: string;
  seeds: number;
  diverged: number;
  mean: number | null;
  low: number | null;
  high: number | null;
}

/** Exploratory comparisons of the variant `a` with the variant `b`, by `compare.compare`. */
export interface Comparisons {
  a: number[];
  b: number[];
  pairs: number[];
  wins: number[];
  ties: number[];
  difference: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  effect: (number | null)[];
  p: (number | null)[];
  p_holm: (number | null)[];
}

/** Costs of the variants of a setting, by `cost.costs`. */
export interface Costs {
  variant: number[];
  seeds: number[];
  machines: number[];
  step_ms: (number | null)[];
  step_ms_q25: (number | null)[];
  step_ms_q75: (number | null)[];
  optimizer_ms: (number | null)[];
  epoch_seconds: (number | null)[];
  state_bytes_per_parameter: (number | null)[];
}

/** The curves of one metric in one setting, both given by index. */
export interface CurvePart {
  metric: number;
  setting: number;
  curves: Curves;
}

/** All curves of one metric in one setting. */
export interface Curves {
  places: (number | null)[][][];
  by_place: Bands[];
  by_seconds: Bands[];
  lines: Lines;
}

/** Expected best results of k variants, by `sensitivity.expected_best`. */
export interface ExpectedBest {
  optimizer: number[];
  k: number[];
  tried: number[];
  expected: (number | null)[];
  q25: (number | null)[];
  median: (number | null)[];
  q75: (number | null)[];
}

/** A fact from the records' environments, with the number of trials that share it. */
export interface Fact {
  name: string;
  value: string;
  trials: number;
}

/** The headline of one setting. */
export interface Headline {
  claim: string;
  evidence: string[];
}

/** One optimizer with its look in all charts. */
export interface LegendEntry {
  label: string;
  style: Style;
  own: boolean;
}

/** The curves of single trials, one after the other; `places` as in `Bands`. */
export interface Lines {
  variants: number[];
  seeds: number[];
  diverged: boolean[];
  lengths: number[];
  places: number[];
  seconds: Packed;
  values: Packed;
}

/** The tables of one metric; lists have one entry per setting. */
export interface Metric {
  name: string;
  words: string;
  units: Unit[];
  logarithmic: boolean;
  higher_is_better: boolean | null;
  chosen_by: string;
  standings: Record<string, Standing[]>;
  races: Race[];
  profiles: Profiles;
  tuning: Tuning[];
  ranks: Ranks;
}

/** The verdict on one optimizer on one problem in another family than the confirmatory one. */
export interface OtherVerdict {
  aspect: string;
  word: string;
  difference: string;
}

/** One optimizer over all problems. */
export interface OverallVerdict {
  label: string;
  optimizer: number | null;
  own: boolean;
  word: string;
  counts: string;
}

/** Numbers encoded in 16 bits each: ``unit · sinh(low + code · step)``, or absent. */
export interface Packed {
  unit: number;
  low: number;
  step: number;
  codes: string;
}

/** Two optimizers of one problem, compared with each other. */
export interface PairRow {
  problem: string;
  pair: string;
  difference: string;
  value: number | null;
  word: string;
  p: string;
  p_value: number;
}

/** All data of a page except the curves, which `curve_parts` yields one by one. */
export interface Payload {
  studies: string[];
  trials: number;
  tuning_trials: number;
  unfinished: string[];
  busy: string;
  reference: string | null;
  optimizers: LegendEntry[];
  settings: Setting[];
  verdicts: StudyVerdicts[];
  no_verdict: string;
  headlines: (Headline | null)[];
  searches: SettingSearches[];
  axes: Axis[];
  axis: "step" | "epoch" | "samples" | "train_seconds";
  metrics: Metric[];
  metric: number;
  inside: string[];
  costs: Costs[];
  troubles: Troubles;
  provenance: Fact[];
  commands: string[];
  resolution: Resolution;
  glossary: Record<string, string>;
}

/** Scores of performance profiles, by `profiles.profile_scores`. */
export interface ProfileScores {
  optimizer: number[];
  score: number[];
  exact: number[];
}

/** Performance profiles as staircases, by `profiles.profile`. */
export interface ProfileStairs {
  optimizer: number[];
  tau: number[];
  share: number[];
}

/** Performance profiles over settings. */
export interface Profiles {
  stairs: Record<"step" | "epoch" | "samples" | "train_seconds", ProfileStairs>;
  scores: Record<"step" | "epoch" | "samples" | "train_seconds", ProfileScores>;
  settings: number;
  missing: string;
}

/** The times to a target of one metric in one setting. */
export interface Race {
  target: number | null;
  source: string;
  tables: Record<"step" | "epoch" | "samples" | "train_seconds", TargetTimes>;
  shares: Record<"step" | "epoch" | "samples" | "train_seconds", Reaching>;
}

/** Average ranks, best first. */
export interface Ranking {
  optimizers: string[];
  average_ranks: number[];
  blocks: number;
  p: number;
  critical_difference: number;
  groups: string[][];
}

/** The rankings of one metric; None if there is nothing to rank. */
export interface Ranks {
  over_settings: Ranking | null;
  over_seeds: (Ranking | null)[];
}

/** Staircases of the share of seeds that have reached a target, by `targets.reaching`. */
export interface Reaching {
  variant: number[];
  x: number[];
  share: number[];
  low: (number | null)[];
  high: (number | null)[];
}

/** The largest number of points per curve. */
export interface Resolution {
  chosen: number;
  others: number;
  recorded: number;
}

/** Results by learning rate, by `sensitivity.by_learning_rate`. */
export interface Responses {
  variant: number[];
  lr: number[];
  seeds: number[];
  diverged: number[];
  mean: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  median: (number | null)[];
  median_low: (number | null)[];
  median_high: (number | null)[];
  std: (number | null)[];
  minimum: (number | null)[];
  maximum: (number | null)[];
  method: (string | null)[];
  tried: number[];
}

/** The conditions that trials must share to be compared. */
export interface Setting {
  name: string;
  problem: string;
  title: string;
  data: string;
  metrics: number[];
  winners: number[];
  variants: Variant[];
}

/** The searches of one setting. */
export interface SettingSearches {
  metric: string;
  words: string;
  seed: number;
  searches: TuningSearch[];
}

/** The leaderboard and comparisons of one setting, by one kind of score of one metric. */
export interface Standing {
  board: Board;
  comparisons: Comparisons;
}

/** The verdicts of one tuned study. */
export interface StudyVerdicts {
  study: string;
  reference: string;
  metric: string;
  better: "left" | "right";
  declared: string;
  overall: OverallVerdict[];
  panels: VerdictPanel[];
  convention: string;
  sentences: VerdictSentence[];
  pairs: PairRow[];
  pairs_note: string;
}

/** The look of one optimizer. */
export interface Style {
  color: string;
  color_on_dark: string;
  marker: [number, number][];
  dash: number[];
}

/** Median times to a target, by `targets.target_table`. */
export interface TargetTimes {
  variant: number[];
  seeds: number[];
  reached: number[];
  diverged: number[];
  time: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
}

/** A point that was tried. */
export interface TriedPoint {
  lr: number | null;
  value: number | null;
  repeats: (number | null)[];
  label: string;
  chosen: boolean;
}

/** Trials that are not done; `setting` is an index. */
export interface Troubles {
  setting: number[];
  label: string[];
  seed: number[];
  status: string[];
  reason: (string | null)[];
  step: (number | null)[];
  epoch: (number | null)[];
  key: string[];
}

/** The learning-rate tables of one metric in one setting. */
export interface Tuning {
  responses: Responses;
  basins: Basins;
  search: ExpectedBest;
}

/** The search of one optimizer in one setting. */
export interface TuningSearch {
  optimizer: number;
  points: TriedPoint[];
  edge: string;
  budgets: number[];
  expected: (number | null)[];
  evaluated: BudgetPoint[];
}

/** The unit in which a metric's values are printed. */
export interface Unit {
  sign: string;
  words: string;
  factor: number;
  decimals: number | null;
}

/** An optimizer with its hyperparameters, in one setting. */
export interface Variant {
  optimizer: number;
  label: string;
  hyperparameters: string;
  lr: number | null;
  chosen: boolean;
  statuses: Record<string, number>;
}

/** One optimizer on one problem against the reference. */
export interface VerdictCell {
  label: string;
  optimizer: number | null;
  own: boolean;
  word: string;
  reason: string;
  relative: number | null;
  low: number | null;
  high: number | null;
  difference: string;
  numbers: string;
  tuned: string;
  how: string;
  edge: string;
  seeds: number;
  others: OtherVerdict[];
}

/** All verdicts on one problem, on a shared axis. */
export interface VerdictPanel {
  setting: number | null;
  title: string;
  margin: number | null;
  margin_words: string;
  cells: VerdictCell[];
}

/** A sentence on one optimizer, or on the study. */
export interface VerdictSentence {
  optimizer: number | null;
  words: string;
}
