// Made by tests/javascript/declare_payloads.py from the dataclasses of the payload.

/** A surface with the paths on it; the fields up to `lowest` are those of its `Scene`. */
export interface DrawnScene {
  name: string;
  title: string;
  formula: string;
  note: string;
  source: string;
  window: [number, number, number, number];
  starts: [number, number][];
  minima: [number, number][];
  lowest: number;
  noise: number;
  relief_size: [number, number];
  relief: string;
  best: number[];
  diverged: number[];
  paths: string;
}

/** An optimizer with its look; the other fields are those of its `Walker`. */
export interface DrawnWalker {
  label: string;
  summary: string;
  lr: number | null;
  style: Style;
}

/** All data of the section. */
export interface Payload {
  steps: number;
  lrs: number[];
  has_noise: boolean;
  seed: number;
  view: View;
  units: number;
  origin: number;
  gap_low: number;
  gap_step: number;
  walkers: DrawnWalker[];
  scenes: DrawnScene[];
}

/** The look of one optimizer. */
export interface Style {
  color: string;
  color_on_dark: string;
  marker: [number, number][];
  dash: number[];
}

/** A selection of the paths of `Trajectories`. */
export interface View {
  start: number;
  noisy: boolean;
  lr: number | "best" | "own";
}
