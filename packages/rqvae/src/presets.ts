import type { TrainingSettings } from "./settings.js";

/** A published trainer's network and settings, as far as they have a counterpart here. */
export interface Preset {
  readonly widths: readonly number[];
  readonly settings: Partial<TrainingSettings>;
}

const DEEP = [2048, 1024, 512, 256, 128, 64, 32];

/**
 * Settings of public RQ-VAE trainers, read in their code. They start codebooks on the latents of an untrained encoder, and
 * none of them separates rows; where a trainer counts epochs, `steps` is theirs for some thousand rows.
 */
export const PRESETS = {
  /** EdoardoBotta/RQ-VAE-Recommender: sums over dimensions, AdamW, batches of 640. */
  recommender: {
    widths: [512, 256, 128, 32],
    settings: {
      pretraining: 0,
      separation: 0,
      commitment: 0.25,
      batchSize: 640,
      steps: 400_000,
      schedule: "constant",
      weightDecay: 1e-4,
    },
  },
  /** snap-research/GRID: means over dimensions of normalized columns, Adagrad, 3000 steps that fall to 0. */
  grid: {
    widths: [768, 256, 128, 64],
    settings: {
      pretraining: 0,
      separation: 0,
      commitment: 0.25,
      reduction: "mean",
      standardize: "columns",
      optimizer: "adagrad",
      batchSize: 2048,
      steps: 3000,
      warmup: 1000,
      schedule: "linear",
    },
  },
  /** MiniOneRec: seven layers, means, AdamW with clipping, batches that hold all of a small catalogue. */
  minionerec: {
    widths: DEEP,
    settings: {
      pretraining: 0,
      separation: 0,
      commitment: 0.25,
      reduction: "mean",
      batchSize: 20_480,
      steps: 10_000,
      warmup: 50,
      schedule: "constant",
      clip: 1,
    },
  },
  /**
   * LETTER without its diversity loss: four levels, the last of them balanced. Its collaborative loss takes part where an
   * alignment is given.
   */
  letter: {
    widths: DEEP,
    settings: {
      pretraining: 0,
      separation: 0,
      commitment: 0.25,
      reduction: "mean",
      batchSize: 1024,
      steps: 20_000,
      schedule: "constant",
      weightDecay: 1e-4,
      alignmentWeight: 0.01,
      balance: [0, 0, 0, 0.003],
    },
  },
  /** RQ-KMeans+: a network that starts as the identity, about the codebooks of RQ-KMeans. */
  rqkmeansPlus: {
    widths: [512, 256, 128, 64],
    settings: { skip: true, pretraining: 0, learningRate: 1e-4 },
  },
} as const satisfies Readonly<Record<string, Preset>>;
