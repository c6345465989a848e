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
  unit: Unit;
  logarithmic: boolean;
  higher_is_better: boolean;
  chosen_by: string;
  standings: Record<string, Standing[]>;
  races: Race[];
  profiles: Profiles;
  tuning: Tuning[];
  ranks: Ranks;
}

/** One optimizer with its look in all charts. */
export interface Optimizer {
  label: string;
  style: Style;
  own: boolean;
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

/** All data of a page except the curves, which `curve_parts` yields one by one. */
export interface Payload {
  studies: string[];
  trials: number;
  tuning_trials: number;
  busy: string;
  reference: string | null;
  optimizers: Optimizer[];
  settings: Setting[];
  verdicts: StudyVerdicts[];
  no_verdict: string;
  headlines: (Headline | null)[];
  searches: SettingSearches[];
  axes: Axis[];
  axis: "step" | "epoch" | "samples" | "train_seconds";
  metrics: Metric[];
  inside: string[];
  costs: Record<string, any[]>[];
  troubles: Record<string, any[]>;
  provenance: Fact[];
  commands: string[];
  resolution: Resolution;
  glossary: Record<string, string>;
}

/** Columns of `profiles.profile` and of `profiles.profile_scores`, by axis. */
export interface Profiles {
  stairs: Record<"step" | "epoch" | "samples" | "train_seconds", Record<string, any[]>>;
  scores: Record<"step" | "epoch" | "samples" | "train_seconds", Record<string, any[]>>;
  settings: number;
  missing: string;
}

/** The times to a target of one metric in one setting. */
export interface Race {
  target: number | null;
  source: string;
  tables: Record<"step" | "epoch" | "samples" | "train_seconds", Record<string, any[]>>;
  shares: Record<"step" | "epoch" | "samples" | "train_seconds", Record<string, any[]>>;
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

/** The largest number of points per curve. */
export interface Resolution {
  chosen: number;
  others: number;
  recorded: number;
}

/** The conditions that trials must share to be compared. */
export interface Setting {
  name: string;
  problem: string;
  title: string;
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
  board: Record<string, any[]>;
  comparisons: Record<string, any[]>;
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
}

/** The look of one optimizer. */
export interface Style {
  color: string;
  color_on_dark: string;
  marker: [number, number][];
  dash: number[];
}

/** A point that was tried. */
export interface TriedPoint {
  lr: number | null;
  value: number | null;
  repeats: (number | null)[];
  label: string;
  chosen: boolean;
}

/** Columns of `by_learning_rate`, `basins` and `expected_best`, of one metric in one setting. */
export interface Tuning {
  responses: Record<string, any[]>;
  basins: Record<string, any[]>;
  search: Record<string, any[]>;
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
