import { checkSpec, checkTransform } from "./check.js";
import { parseSpec } from "./parse.js";
import type {
  FsqSpec,
  ResidualSpec,
  SignSpec,
  Spec,
  SplitSpec,
  SqSpec,
  TransformedSpec,
  TransformSpec,
  VqSpec,
} from "./types.js";

/** A spec in any of its spellings: the short string, or the plain object. */
export type SpecLike = string | Spec;

/** The canonical spec of any spelling. @throws {SpecError} */
export function toSpec(spec: SpecLike): Spec {
  return typeof spec === "string" ? parseSpec(spec) : checkSpec(spec);
}

/** The nearest of K learned codewords. */
export function vq(
  codebookSize: number,
  options: Omit<VqSpec, "kind" | "codebookSize"> = {},
): Spec {
  return checkSpec({ kind: "vq", codebookSize, ...options });
}

/** Per-dimension scalar levels. */
export function sq(bits: number, options: Omit<SqSpec, "kind" | "bits"> = {}): Spec {
  return checkSpec({ kind: "sq", bits, ...options });
}

/** One bit per dimension, or a few. */
export function sign(options: Omit<SignSpec, "kind"> = {}): Spec {
  return checkSpec({ kind: "sign", ...options });
}

/** Finite scalar quantization: `levels[i]` values in dimension i. */
export function fsq(
  levels: FsqSpec["levels"],
  options: Omit<FsqSpec, "kind" | "levels"> = {},
): Spec {
  return checkSpec({ kind: "fsq", levels, ...options });
}

/** `a + b + …`: each quantizes what those before it left over. */
export function residual(...levels: readonly SpecLike[]): Spec {
  return checkSpec({ kind: "residual", levels: levels.map(toSpec) });
}

/** The dimensions cut into `groups` equal slices, one `each` per slice, or one for all of them. */
export function split(
  groups: number,
  each: SpecLike,
  options: Omit<SplitSpec, "kind" | "groups" | "each"> = {},
): Spec {
  return checkSpec({ kind: "split", groups, each: toSpec(each), ...options });
}

/** `t > … > q`: transforms, then a quantizer. */
export function transformed(
  transforms: TransformSpec | readonly TransformSpec[],
  quantizer: SpecLike,
): Spec {
  const list = Array.isArray(transforms) ? transforms : [transforms];
  return list.reduceRight<Spec>(
    (inner, transform): TransformedSpec => ({
      kind: "transformed",
      transform: checkTransform(transform),
      quantizer: inner,
    }),
    toSpec(quantizer),
  );
}

/**
 * `levels` residual codebooks of `codebookSize` codewords: `rq3x256` is `rq(3, 256)`, `rq4x256(shared=true)` is
 * `rq(4, 256, { shared: true })`.
 */
export function rq(
  levels: number,
  codebookSize: number,
  options: Omit<ResidualSpec, "kind" | "levels"> = {},
): Spec {
  return checkSpec({ ...parseSpec(`rq${levels}x${codebookSize}`), ...options });
}

/** `levels` additive codebooks of `codebookSize` codewords, tuned together from the best start: `aq8x256` is `aq(8, 256)`. */
export function aq(levels: number, codebookSize: number): Spec {
  return parseSpec(`aq${levels}x${codebookSize}`);
}

/** `groups` slices with one codebook of `codebookSize` each: `pq16x256` is `pq(16, 256)`. */
export function pq(groups: number, codebookSize: number): Spec {
  return parseSpec(`pq${groups}x${codebookSize}`);
}
