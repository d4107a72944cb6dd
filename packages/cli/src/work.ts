import type { Work } from "@tessera/backend";
import type { Spec, TransformSpec } from "@tessera/core";

/** Passes over the rows for each codebook where the command line does not say how many: as k-means makes by default. */
const FIT_PASSES = 25;

/** What is known of a fit before it starts. */
export interface FitSize {
  /** Of the file; undefined where nothing tells before a pass. */
  readonly rows: number | undefined;
  readonly dimension: number;
  readonly iterations?: number | undefined;
  readonly sample?: number | undefined;
}

/** How much fitting computes, as far as it is comparing rows with codewords, or the like of it; undefined where it is not. */
export function workOfFit(
  spec: Spec,
  { rows, dimension, iterations = FIT_PASSES, sample = Infinity }: FitSize,
): Work | undefined {
  const fitted = rows === undefined ? undefined : Math.min(rows, sample);
  return workOf(spec, fitted, dimension, iterations);
}

/** How much encoding rows once computes, likewise. */
export function workOfEncoding(
  spec: Spec,
  { rows, dimension, beam = 1 }: Omit<FitSize, "sample"> & { readonly beam?: number | undefined },
): Work | undefined {
  return workOf(spec, rows, dimension, beam);
}

function workOf(
  spec: Spec,
  rows: number | undefined,
  dimension: number,
  passes: number,
): Work | undefined {
  if (rows === undefined || rows < 1) return undefined;
  const { largest, sum } = codewordsOf(spec, dimension);
  if (largest < 1) return undefined;
  return { rows, dimension, codebookSize: largest, passes: passes * Math.ceil(sum / largest) };
}

/** How many codewords a value of a row meets: in the largest codebook, and in all. */
interface Codewords {
  readonly largest: number;
  readonly sum: number;
}

const NONE: Codewords = { largest: 0, sum: 0 };

function codewordsOf(spec: Spec, dimension: number): Codewords {
  switch (spec.kind) {
    case "vq":
      return { largest: spec.codebookSize, sum: spec.codebookSize };
    case "residual":
      return spec.levels.map((level) => codewordsOf(level, dimension)).reduce(both);
    case "split":
      // A value is of one group.
      return codewordsOf(spec.each, Math.ceil(dimension / spec.groups));
    case "transformed": {
      const { transform, quantizer } = spec;
      const inside = "dimension" in transform ? transform.dimension : dimension;
      return both(columnsOf(transform, dimension), codewordsOf(quantizer, inside));
    }
    default:
      // Scalars and signs meet none.
      return NONE;
  }
}

/** What a value is multiplied by on its way through a transform: columns of a matrix are as much work as codewords. */
function columnsOf(transform: TransformSpec, dimension: number): Codewords {
  switch (transform.kind) {
    case "rotation":
    case "opq":
    case "itq":
      return { largest: dimension, sum: dimension };
    case "pca":
      return { largest: transform.dimension, sum: transform.dimension };
    case "ae": {
      const widths = [dimension, ...transform.widths];
      const weights = widths.slice(1).reduce((sum, width, i) => sum + width * widths[i]!, 0);
      // There and back, each with the gradients of what goes in and of the weights.
      return { largest: Math.max(...transform.widths), sum: Math.ceil((6 * weights) / dimension) };
    }
    default:
      return NONE;
  }
}

function both(one: Codewords, other: Codewords): Codewords {
  return { largest: Math.max(one.largest, other.largest), sum: one.sum + other.sum };
}
