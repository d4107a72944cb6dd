/**
 * The algebra of quantizers as plain data: four leaves (`vq`, `sq`, `sign`, `fsq`) and three operators (`residual`,
 * `split`, `transformed`). A spec says what to build; a model is what was learned.
 *
 * A field that has its default is left out, so two specs mean the same exactly if they are deeply equal.
 */
export type Spec =
  | VqSpec
  | SqSpec
  | SignSpec
  | FsqSpec
  | ResidualSpec
  | SplitSpec
  | TransformedSpec;

/** The nearest of `codebookSize` learned codewords. Short form `vq256`, `vq256(metric=cosine)`. */
export interface VqSpec {
  readonly kind: "vq";
  /** K, 1..2²⁴. */
  readonly codebookSize: number;
  /** What nearest means; squared L2 if left out. */
  readonly metric?: "ip" | "cosine";
}

/** Per-dimension scalar levels. Short forms `sq8`, `sq4(levels=lloydmax)`, `fp16`, `bf16`. */
export interface SqSpec {
  readonly kind: "sq";
  /** Bits per dimension: 1, 2, 4, 6 or 8; 16 for `fp16` and `bf16`. */
  readonly bits: number;
  /** How levels are placed; uniform if left out. */
  readonly levels?: "quantile" | "lloydmax" | "fp16" | "bf16";
  /** How the range of uniform levels is found; min–max if left out. */
  readonly range?: "quantile" | "meanstd" | "optimal";
  /** One set of levels for all dimensions, as after a rotation; each dimension has its own if left out. */
  readonly shared?: true;
  /**
   * With `lloydmax` alone: each row is brought to unit variance and keeps a scale of its own. `optimal` has the least
   * error, `unbiased` gives inner products without bias after a random rotation.
   */
  readonly scale?: "optimal" | "unbiased";
}

/** One bit per dimension; under RaBitQ, a few. Short forms `sign`, `sign(threshold=median)`, `sign(estimator=rabitq)`. */
export interface SignSpec {
  readonly kind: "sign";
  /** Bits per dimension, 1 if left out; more with an estimator only. */
  readonly bits?: number;
  /** What a value must exceed for a 1: 0 if left out, or its dimension's mean or median over the training rows. */
  readonly threshold?: "mean" | "median";
  /** `rabitq` keeps the factors of RaBitQ's unbiased inner-product estimate. It takes signs about 0. */
  readonly estimator?: "rabitq";
}

/**
 * Finite scalar quantization: bounded rounding to `levels[i]` values in dimension i. Short forms `fsq(8,5,5,5)`, and
 * `lfq12` for 12 dimensions of two values under `scale` `none`.
 */
export interface FsqSpec {
  readonly kind: "fsq";
  /** 2..256 each, one for every dimension of the rows. */
  readonly levels: readonly number[];
  /**
   * How values meet the bound: by each dimension's mean and deviation over the training rows if left out. `none`: as they
   * are, and decoded to values of −1..1, which is what a network trained with FSQ gives and takes.
   */
  readonly scale?: "none";
}

/**
 * `a + b + …`: each level quantizes what the levels before it left over. Short forms `vq256+vq64`, `rq3x256`, `aq8x256`,
 * `rq4x256(shared=true)`, `(vq256+vq64)(refine=joint)`.
 */
export interface ResidualSpec {
  readonly kind: "residual";
  /** Two or more. A residual among them has options of its own: one without is flattened. */
  readonly levels: readonly Spec[];
  /** `joint`: codebooks of plain `vq` levels are tuned together after the last one, as in additive quantization. */
  readonly refine?: "joint";
  /** With `refine` alone: where that starts. `best` tries product codebooks too, plain and under OPQ's rotation. */
  readonly start?: "best";
  /** One codebook for all levels, which are plain `vq` of one size; each level has a scale of its own. */
  readonly shared?: true;
}

/** The dimensions cut into `groups` equal slices, one sub-quantizer each. Short forms `split4(rq2x256)`, `pq16x256`. */
export interface SplitSpec {
  readonly kind: "split";
  readonly groups: number;
  readonly each: Spec;
  /** One sub-quantizer for all groups, learned from the slices of all. Short form `split4(vq256,shared=true)`. */
  readonly shared?: true;
}

/** `t > q`: a transform, then a quantizer of what it gives. Short forms `hadamard>sq4`, `opq16x256`. */
export interface TransformedSpec {
  readonly kind: "transformed";
  readonly transform: TransformSpec;
  readonly quantizer: Spec;
}

export type TransformSpec =
  | { readonly kind: "center" }
  | { readonly kind: "normalize" }
  /** A random orthogonal rotation. */
  | { readonly kind: "rotation" }
  /** The fast Walsh–Hadamard transform with random signs. */
  | { readonly kind: "hadamard" }
  /** Projection on the first principal components. */
  | { readonly kind: "pca"; readonly dimension: number; readonly whiten?: true }
  /** A rotation learned for the product quantizer after it. */
  | { readonly kind: "opq" }
  /** A rotation learned for the signs after it. */
  | { readonly kind: "itq" }
  /** An autoencoder trained together with what follows; `widths` of its encoder's layers, the last the latent's. */
  | { readonly kind: "ae"; readonly widths: readonly number[] };

/** Encoder widths of `rqvae…` when none are given. */
export const DEFAULT_AUTOENCODER_WIDTHS: readonly number[] = [512, 256, 128, 64];

/** The package that runs each kind of spec and transform. */
export const PART_PACKAGES: Readonly<Record<Spec["kind"] | TransformSpec["kind"], string>> = {
  vq: "@tessera/vq",
  fsq: "@tessera/vq",
  sq: "@tessera/scalar",
  sign: "@tessera/binary",
  residual: "@tessera/rq",
  split: "@tessera/pq",
  transformed: "@tessera/transforms",
  center: "@tessera/transforms",
  normalize: "@tessera/transforms",
  rotation: "@tessera/transforms",
  hadamard: "@tessera/transforms",
  pca: "@tessera/transforms",
  opq: "@tessera/transforms",
  itq: "@tessera/binary",
  ae: "@tessera/rqvae",
};
