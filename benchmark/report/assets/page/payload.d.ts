// Made by tests/javascript/declare_payloads.py from the dataclasses of the payload.

/** What curves are drawn over. */
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

/** The curves of one metric in one setting, both given by place. */
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

/** One fact about where records come from, with the number of trials that say so. */
export interface Fact {
  name: string;
  value: string;
  trials: number;
}

/** What one setting says. */
export interface Headline {
  claim: string;
  evidence: string[];
}

/** Every trial's own curve, one after the other; `places` as in `Bands`. */
export interface Lines {
  variants: number[];
  seeds: number[];
  diverged: boolean[];
  lengths: number[];
  places: number[];
  seconds: Packed;
  values: Packed;
}

/** All tables of one metric; lists have one entry per setting. */
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

/** One optimizer as every chart shows it. */
export interface Optimizer {
  label: string;
  style: Style;
}

/** Numbers in 16 bits each: ``unit · sinh(low + code · step)``, or absent. */
export interface Packed {
  unit: number;
  low: number;
  step: number;
  codes: string;
}

/** Everything but the curves; those follow one by one, see `curve_parts`. */
export interface Payload {
  studies: string[];
  trials: number;
  reference: string | null;
  optimizers: Optimizer[];
  settings: Setting[];
  headlines: Headline[];
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

/** By axis: columns of `profiles.profile` and of `profiles.profile_scores`. */
export interface Profiles {
  stairs: Record<"step" | "epoch" | "samples" | "train_seconds", Record<string, any[]>>;
  scores: Record<"step" | "epoch" | "samples" | "train_seconds", Record<string, any[]>>;
  settings: number;
}

/** One metric's way to a target in one setting. */
export interface Race {
  target: number | null;
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

/** Rankings of one metric; None where there is nothing to rank. */
export interface Ranks {
  over_settings: Ranking | null;
  over_seeds: (Ranking | null)[];
}

/** At how many points curves are shown at most. */
export interface Resolution {
  chosen: number;
  others: number;
  recorded: number;
}

/** What trials share that can be compared. */
export interface Setting {
  name: string;
  problem: string;
  title: string;
  winners: number[];
  variants: Variant[];
}

/** One metric, reduced to one number per trial in one way, in one setting. */
export interface Standing {
  board: Record<string, any[]>;
  comparisons: Record<string, any[]>;
  seeds_needed: number;
}

/** How one optimizer looks. */
export interface Style {
  color: string;
  color_on_dark: string;
  marker: [number, number][];
  dash: number[];
}

/** One metric in one setting: columns of `by_learning_rate`, `basins`, `expected_best`. */
export interface Tuning {
  responses: Record<string, any[]>;
  basins: Record<string, any[]>;
  search: Record<string, any[]>;
}

/** How values of a metric are written. */
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
