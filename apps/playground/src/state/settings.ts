/** Everything that a run follows from, but for a visitor's own data. It is kept in the address. */
export interface Settings {
  readonly data: DataName;
  /** Points of a toy shape. */
  readonly points: number;
  /** The quantizer, as an expression of the algebra. */
  readonly spec: string;
  readonly seed: number;
  /** Most passes over the data for each codebook. */
  readonly iterations: number;
  /** Of an autoencoder. */
  readonly steps: number;
  readonly pretraining: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly separation: number;
  readonly backend: BackendChoice;
  /** `slow` shows every step of the learning of a codebook long enough to be seen. */
  readonly speed: Speed;
  /** The column of codes that the map is coloured by. */
  readonly level: number;
  /** How rows of more than two values are laid out on the map. */
  readonly map: MapKind;
  /** `yes` shows the map and the buttons alone, as a figure in another page. */
  readonly embed: Embed;
}

export const SHAPES = ["moons", "blobs", "rings", "spiral"] as const;
export const SAMPLES = ["emoji", "words", "digits"] as const;
export type ShapeName = (typeof SHAPES)[number];
export type SampleName = (typeof SAMPLES)[number];
export type DataName = ShapeName | SampleName | "file";

export const BACKENDS = ["auto", "webgpu", "wasm", "wasm-1"] as const;
/** `wasm-1` is wasm on one thread. */
export type BackendChoice = (typeof BACKENDS)[number];

export const SPEEDS = ["slow", "full"] as const;
export type Speed = (typeof SPEEDS)[number];

/** `pca` is the plane that keeps most of the variance; `umap` keeps near rows together. */
export const MAPS = ["pca", "umap"] as const;
export type MapKind = (typeof MAPS)[number];

export const EMBEDS = ["no", "yes"] as const;
export type Embed = (typeof EMBEDS)[number];

export const DEFAULTS: Settings = {
  data: "moons",
  points: 1200,
  spec: "rq2x8",
  seed: 1,
  iterations: 40,
  steps: 2000,
  pretraining: 400,
  batchSize: 64,
  learningRate: 0.001,
  separation: 4,
  backend: "auto",
  speed: "slow",
  level: 0,
  map: "pca",
  embed: "no",
};

/** Least and largest value of each number; those that are whole say so. */
export const LIMITS = {
  points: { least: 50, most: 10_000, whole: true },
  seed: { least: 0, most: 2 ** 32 - 1, whole: true },
  iterations: { least: 1, most: 200, whole: true },
  steps: { least: 10, most: 50_000, whole: true },
  pretraining: { least: 0, most: 10_000, whole: true },
  batchSize: { least: 1, most: 4096, whole: true },
  learningRate: { least: 1e-6, most: 1, whole: false },
  separation: { least: 0, most: 100, whole: false },
  level: { least: 0, most: 4095, whole: true },
} as const satisfies Partial<Record<keyof Settings, Limit>>;

export interface Limit {
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

/** The number if it is within the limits, else nothing. */
export function within(name: keyof typeof LIMITS, value: number): number | undefined {
  const { least, most, whole } = LIMITS[name];
  const fits = value >= least && value <= most && (!whole || Number.isInteger(value));
  return fits ? value : undefined;
}

/** A good quantizer to begin with for each kind of data. */
export const FIRST_SPEC: Readonly<Record<DataName, string>> = {
  moons: "rq2x8",
  blobs: "vq16",
  rings: "vq12+vq12",
  spiral: "ae(32,16,2)>rq2x8",
  emoji: "vq16+vq64+vq64",
  words: "rq3x64",
  digits: "ae(256,64,16)>rq3x32",
  file: "rq3x64",
};
