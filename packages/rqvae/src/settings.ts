import { type Activation, ArgumentError, MIN_BALANCE_EPSILON } from "@tessera/core";

/** The shape of the network about the codebooks. */
export interface NetworkSettings {
  /** Of the hidden layers. Default `relu`. */
  readonly activation: Exclude<Activation, "none">;
  /**
   * Normalization of each hidden layer, before its activation: of each row, or of each column over the batch, with running
   * averages for what is encoded later. Default `none`.
   */
  readonly norm: "none" | "layer" | "batch";
  /** Share of the hidden values that a training step zeroes. Default 0. */
  readonly dropout: number;
  /**
   * z = x + MLP(x) and y = q + MLP(q), with last layers that start at 0, so training starts from RQ-KMeans of the rows
   * themselves ("RQ-KMeans+"). The latent then has the dimension of the rows. Default: no.
   */
  readonly skip: boolean;
  /**
   * What rows are brought to mean 0 and variance 1 by: one deviation for all columns, one for each, or nothing. Default
   * `global`, which keeps the distances between rows.
   */
  readonly standardize: "global" | "columns" | "none";
  /**
   * What the network starts as: random weights, or as many principal components of the rows as its widths let through,
   * there and back. Default `random`.
   */
  readonly start: "random" | "pca";
}

/** What the loss is made of. */
export interface LossSettings {
  /** How a reconstruction is compared with its row. Default `squared`. */
  readonly reconstruction: "squared" | "normalized" | "cosine";
  /** Whether squared errors are summed over dimensions or averaged. Default `sum`. */
  readonly reduction: "sum" | "mean";
  /** β, the weight of the commitment loss. Default 0.05. */
  readonly commitment: number;
  /** Weight of the codebook loss, where codebooks learn by gradient. Default 1. */
  readonly codebook: number;
  /** Weights of the levels' commitment and codebook losses. Default 1 each. */
  readonly levelWeights: readonly number[] | undefined;
  /**
   * Weight of the entropy loss of every level: that rows choose their codewords clearly, and all codewords are chosen.
   * Default 0.
   */
  readonly entropy: number;
  /**
   * T of the distributions softmax(−‖r − c‖² / T) that the entropy loss is of, in units of the mean squared distance to the
   * nearest codeword. Default 0.1.
   */
  readonly entropyTemperature: number;
  /** How much the entropy of the mean distribution counts beside the mean entropy of the rows' own. Default 1. */
  readonly diversity: number;
  /** Weight of the alignment with a second embedding, where one is given. Default 0.1. */
  readonly alignmentWeight: number;
  /** What the similarities of the alignment are divided by. Default 1. */
  readonly alignmentTemperature: number;
}

/** How codebooks learn. */
export interface CodebookSettings {
  /**
   * By the gradient of the codebook loss, by moving averages of their rows, or frozen behind a linear map that learns in
   * their place (SimVQ). Default `gradient`.
   */
  readonly codebooks: "gradient" | "ema" | "projected";
  /** Share of the average that a step keeps, under `ema`. Default 0.99. */
  readonly decay: number;
  /**
   * How the loss's gradient passes the codes: copied, turned from z to q, or through codewords mixed by Gumbel-softmax, which
   * the decoder is then trained on. Default `straight-through`.
   */
  readonly estimator: "straight-through" | "rotation" | "gumbel";
  /**
   * Of `gumbel`: T at the first step with codebooks and at the last, in units of the mean squared distance to the nearest
   * codeword of a level; it falls geometrically. Default [0.5, 0.02].
   */
  readonly temperature: readonly [number, number];
  /** Probability that a training step leaves out the levels after a random one. Default 0. */
  readonly levelDropout: number;
  /**
   * Weight of the pull of rows that share all their codes towards codes of their own; 0 for none. Default 4. Rows of a stream that
   * is longer than `bufferRows` are not pulled.
   */
  readonly separation: number;
  /**
   * ε of each level, or of all: where it is above 0, a training step's rows are shared out among the level's codewords by
   * Sinkhorn's iterations, the more evenly the larger it is. 0, the default, has every row take its nearest codeword, as it
   * does in the fitted model always.
   */
  readonly balance: number | readonly number[];
  /** Sinkhorn's iterations of a level and step. Default 50. */
  readonly balanceIterations: number;
}

/** How parameters follow their gradients. */
export interface OptimizerSettings {
  /** Default `adamw`. */
  readonly optimizer: "adamw" | "adagrad" | "sgd";
  /** Default 0.001. */
  readonly learningRate: number;
  /** Of weight matrices alone. Default 0. */
  readonly weightDecay: number;
  /** Under `adamw`. Default [0.9, 0.999]. */
  readonly betas: readonly [number, number];
  /** Under `sgd`. Default 0.9. */
  readonly momentum: number;
  /** Largest norm of all gradients together; longer ones are shortened. Default: none. */
  readonly clip: number | undefined;
  /** How the learning rate falls after the warm-up. Default `cosine`. */
  readonly schedule: "cosine" | "linear" | "constant";
  /** Steps in which the learning rate rises from 0. Default 0. */
  readonly warmup: number;
}

/** How long and on what. */
export interface RunSettings {
  /** Rows of a step. Default 64, or all if there are fewer. */
  readonly batchSize: number;
  /** Steps with codebooks. Default 20 000. */
  readonly steps: number;
  /** Steps of the autoencoder alone, before the codebooks start on its latents. Default 2000. */
  readonly pretraining: number;
  /**
   * Steps between two reviews of all rows (dead codewords, separation, health, held-out rows), or an epoch where that is
   * longer. Default 100.
   */
  readonly reviewEvery: number;
  /** Share of the rows that is held out to choose the best state by. Default 0: the last state is kept. */
  readonly holdOut: number;
  /** What the best state is chosen by on held-out rows. Default `distortion`. */
  readonly criterion: "distortion" | "collisions";
  /** Reviews without a better state after which training stops. Default: none. */
  readonly patience: number | undefined;
  /**
   * Rows of a stream that are shuffled at a time, in a buffer of so many. A stream of no more is read into memory and trained on
   * as a matrix is. Default 65 536.
   */
  readonly bufferRows: number;
  /**
   * Rows of a longer stream that stand for all: a seeded sample, held in memory, that codebooks start on and reviews look at;
   * of held-out rows as many. Default 65 536.
   */
  readonly reviewRows: number;
  /** What happens when codebooks collapse: an error, or an event. Default `error`. */
  readonly onCollapse: "error" | "report";
}

export type TrainingSettings = NetworkSettings &
  LossSettings &
  CodebookSettings &
  OptimizerSettings &
  RunSettings;

export const DEFAULT_SETTINGS: TrainingSettings = {
  activation: "relu",
  norm: "none",
  dropout: 0,
  skip: false,
  standardize: "global",
  start: "random",
  reconstruction: "squared",
  reduction: "sum",
  commitment: 0.05,
  codebook: 1,
  levelWeights: undefined,
  entropy: 0,
  entropyTemperature: 0.1,
  diversity: 1,
  alignmentWeight: 0.1,
  alignmentTemperature: 1,
  codebooks: "gradient",
  decay: 0.99,
  estimator: "straight-through",
  temperature: [0.5, 0.02],
  levelDropout: 0,
  separation: 4,
  balance: 0,
  balanceIterations: 50,
  optimizer: "adamw",
  learningRate: 1e-3,
  weightDecay: 0,
  betas: [0.9, 0.999],
  momentum: 0.9,
  clip: undefined,
  schedule: "cosine",
  warmup: 0,
  batchSize: 64,
  steps: 20_000,
  pretraining: 2000,
  reviewEvery: 100,
  holdOut: 0,
  criterion: "distortion",
  patience: undefined,
  bufferRows: 65_536,
  reviewRows: 65_536,
  onCollapse: "error",
};

const CHOICES: Partial<Record<keyof TrainingSettings, readonly string[]>> = {
  activation: ["relu", "gelu", "silu"],
  norm: ["none", "layer", "batch"],
  standardize: ["global", "columns", "none"],
  start: ["random", "pca"],
  reconstruction: ["squared", "normalized", "cosine"],
  reduction: ["sum", "mean"],
  codebooks: ["gradient", "ema", "projected"],
  estimator: ["straight-through", "rotation", "gumbel"],
  optimizer: ["adamw", "adagrad", "sgd"],
  schedule: ["cosine", "linear", "constant"],
  criterion: ["distortion", "collisions"],
  onCollapse: ["error", "report"],
};

/** Least and largest value; the largest itself is excluded where the third says so. */
const RANGES: Partial<Record<keyof TrainingSettings, readonly [number, number, "below"?]>> = {
  dropout: [0, 1, "below"],
  commitment: [0, Infinity, "below"],
  codebook: [0, Infinity, "below"],
  entropy: [0, Infinity, "below"],
  entropyTemperature: [1e-6, Infinity, "below"],
  diversity: [0, Infinity, "below"],
  alignmentWeight: [0, Infinity, "below"],
  alignmentTemperature: [1e-6, Infinity, "below"],
  decay: [0, 1, "below"],
  levelDropout: [0, 1],
  separation: [0, Infinity, "below"],
  learningRate: [0, Infinity, "below"],
  weightDecay: [0, Infinity, "below"],
  momentum: [0, 1, "below"],
  holdOut: [0, 0.5],
};

/** Least value of what must be an integer. */
const INTEGERS: Partial<Record<keyof TrainingSettings, number>> = {
  balanceIterations: 1,
  warmup: 0,
  batchSize: 1,
  steps: 1,
  pretraining: 0,
  reviewEvery: 1,
  bufferRows: 1,
  reviewRows: 1,
};

/** Settings with defaults in place. @throws {ArgumentError} naming the first that is out of range */
export function resolveSettings(given: Partial<TrainingSettings>): TrainingSettings {
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const settings = { ...DEFAULT_SETTINGS, ...(Object.fromEntries(known) as typeof given) };
  for (const [name, value] of Object.entries(settings)) {
    const key = name as keyof TrainingSettings;
    checkKind(name, value);
    const choices = CHOICES[key];
    if (choices && !choices.includes(String(value))) {
      throw new ArgumentError(`${name} is ${JSON.stringify(value)}`, {
        hint: `it may be ${choices.join(", ")}`,
      });
    }
    const range = RANGES[key];
    if (range) checkRange(name, value as number, range);
    const least = INTEGERS[key];
    if (least !== undefined && !(Number.isSafeInteger(value) && (value as number) >= least)) {
      throw new ArgumentError(`${name} is ${String(value)}; it must be an integer from ${least}`);
    }
  }
  const { clip, patience, betas, balance, temperature, estimator, codebooks } = settings;
  if (clip !== undefined) checkRange("clip", clip, [Number.MIN_VALUE, Infinity]);
  if (patience !== undefined) checkRange("patience", patience, [1, Infinity]);
  for (const beta of betas) checkRange("betas", beta, [0, 1, "below"]);
  for (const each of temperature) checkRange("temperature", each, [1e-6, Infinity, "below"]);
  if (estimator === "gumbel" && codebooks === "ema") {
    throw new ArgumentError('codebooks "ema" do not go with estimator "gumbel"', {
      hint: "mixed codewords learn by their gradient, which moving averages leave out: gradient or projected",
    });
  }
  for (const epsilon of [balance].flat()) {
    if (epsilon !== 0) checkRange("balance", epsilon, [MIN_BALANCE_EPSILON, Infinity, "below"]);
  }
  return settings;
}

/** What comes from outside may have any name and any type. */
function checkKind(name: string, value: unknown): void {
  if (!Object.hasOwn(DEFAULT_SETTINGS, name)) {
    throw new ArgumentError(`there is no setting ${name}`, {
      hint: `settings are ${Object.keys(DEFAULT_SETTINGS).join(", ")}`,
    });
  }
  if (value === undefined || (name === "balance" && isNumbers(value))) return;
  const usual = DEFAULT_SETTINGS[name as keyof TrainingSettings];
  if (name === "levelWeights" || Array.isArray(usual)) {
    if (isNumbers(value) && (!Array.isArray(usual) || value.length === usual.length)) return;
    throw new ArgumentError(`${name} is not a list of numbers`, {
      hint: Array.isArray(usual) ? `such as [${usual.join(", ")}]` : "one for each level",
    });
  }
  const kind = usual === undefined ? "number" : typeof usual;
  if (typeof value !== kind)
    throw new ArgumentError(`${name} is ${JSON.stringify(value)}, not a ${kind}`);
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === "number");
}

function checkRange(
  name: string,
  value: number,
  [least, most, below]: readonly [number, number, "below"?],
): void {
  if (value >= least && (below ? value < most : value <= most)) return;
  const end = most === Infinity ? "" : ` to ${below ? "below " : ""}${most}`;
  throw new ArgumentError(`${name} is ${value}; it must be from ${least}${end}`);
}
