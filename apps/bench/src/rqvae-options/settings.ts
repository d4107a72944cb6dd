import type { TrainingSettings } from "@tessera/rqvae";

/** One way to train, of which the table says what it comes to. */
export interface Way {
  /** Unique; as the table shows it. */
  readonly name: string;
  readonly settings: Partial<TrainingSettings>;
  /** Default `rqvae3x256`. */
  readonly spec?: string;
}

/** A fifth of the defaults' steps, so that all ways take half an hour. */
const SHORT: Partial<TrainingSettings> = { steps: 3500, pretraining: 1000 };

/** Short runs: as they are, and with each setting changed by itself. A line here is a line of the table. */
export const WAYS: readonly Way[] = [
  { name: "short runs", settings: SHORT },
  { name: "all steps", settings: {} },
  change({ activation: "gelu" }),
  change({ activation: "silu" }),
  change({ norm: "layer" }),
  change({ norm: "batch" }),
  change({ dropout: 0.1 }),
  change({ skip: true, pretraining: 0, learningRate: 1e-4 }),
  change({ standardize: "columns" }),
  change({ standardize: "none" }),
  change({ reconstruction: "normalized" }),
  change({ reconstruction: "cosine" }),
  change({ reduction: "mean" }),
  change({ commitment: 0.01 }),
  change({ commitment: 0.25 }),
  change({ codebooks: "ema" }),
  change({ codebooks: "projected" }),
  change({ estimator: "rotation" }),
  change({ estimator: "gumbel" }),
  change({ entropy: 10 }),
  change({ levelDropout: 0.1 }),
  change({ separation: 0 }),
  change({ separation: 10 }),
  change({ optimizer: "adagrad", learningRate: 0.01 }),
  change({ optimizer: "sgd", learningRate: 1e-3, clip: 1 }),
  change({ weightDecay: 0.01 }),
  change({ weightDecay: 0.1 }),
  change({ clip: 1 }),
  change({ schedule: "linear" }),
  change({ schedule: "constant" }),
  change({ warmup: 500 }),
  change({ batchSize: 256 }),
  change({ batchSize: 1024 }),
  change({ start: "pca" }),
  change({ balance: 0.003, batchSize: 1024 }),
  change({ pretraining: 0 }),
  change({ pretraining: 3000 }),
  {
    name: "fsq in place of codebooks",
    settings: { steps: 4500 },
    spec: "ae(512,256,128,8)>fsq(8,8,8,8,8,8,8,8)",
  },
  { name: "a latent of 32", settings: SHORT, spec: "ae(512,256,128,32)>rq3x256" },
  { name: "two layers, ae(512,64)", settings: SHORT, spec: "ae(512,64)>rq3x256" },
];

/** Named after what it changes. */
function change(settings: Partial<TrainingSettings>): Way {
  const name = Object.entries(settings).map(([key, value]) => `${key}: ${String(value)}`);
  return { name: name.join(", "), settings: { ...SHORT, ...settings } };
}

/** The file of a way's figures. */
export function fileOf({ name }: Way): string {
  return `${name.replaceAll(/[^\w.]+/g, "-").replaceAll(/^-|-$/g, "")}.json`;
}
