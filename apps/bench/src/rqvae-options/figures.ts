/** What a worker is told, and what it found: one JSON line. */
import type { TrainingSettings } from "@tessera/rqvae";

export interface TableTask {
  readonly spec: string;
  readonly settings: Partial<TrainingSettings>;
  readonly seed: number;
}

export interface Figures {
  /** So that figures of other settings are not taken for these. */
  readonly task: TableTask;
  readonly engine: string;
  /** Of all rows, trained on all rows. */
  readonly whole?: Outcome;
  /** Of a tenth of the rows, trained on the others. */
  readonly heldOut?: Outcome;
  /** Why there are none. */
  readonly problem?: string;
}

export interface Outcome {
  /** Mean over rows of the squared error. */
  readonly distortion: number;
  /** Different rows of codes, as a share of the rows. */
  readonly distinct: number;
  /** Share of the codewords in use, of the level with the fewest. */
  readonly leastUsage: number;
  /** That the training took, on one thread. */
  readonly seconds: number;
}
