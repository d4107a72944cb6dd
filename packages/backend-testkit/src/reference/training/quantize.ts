import { referenceAssign } from "../assign.js";
import { referenceClusterSums, referenceGather, referenceResidual } from "../codebooks.js";

export interface ReferenceQuantizeOptions {
  readonly groups: number;
  /** One for each level. */
  readonly pullWeights: readonly number[];
  /** One for each level. */
  readonly sumWeights: readonly number[];
}

export interface ReferenceQuantized {
  /** `[levels, n, groups]` */
  readonly codes: Int32Array;
  /** `[levels, n, groups]` */
  readonly distances: Float64Array;
  /** `[n, groups·dimension]` */
  readonly output: Float64Array;
  /** `[n, groups·dimension]` */
  readonly pull: Float64Array;
  /** `[groups·Σk]` */
  readonly counts: Float64Array;
  /** As long as the codebooks. */
  readonly sums: Float64Array;
}

/**
 * Level by level: the nearest codeword c of the residual r_l in each group, and r_{l+1} = r_l − c, rounded to float32.
 *
 * @param z `[n, groups·dimension]`
 * @param codebooks the levels one after another, each `[groups, k, dimension]`
 * @throws {NonFiniteError} naming the first row (or codeword) that is not finite or whose squared norm overflows float32
 */
export function referenceQuantizeLevels(
  z: Float32Array,
  codebooks: Float32Array,
  sizes: readonly number[],
  width: number,
  { groups, pullWeights, sumWeights }: ReferenceQuantizeOptions,
): ReferenceQuantized {
  const dimension = width / groups;
  const slices = z.length / dimension;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const result = {
    codes: new Int32Array(sizes.length * slices),
    distances: new Float64Array(sizes.length * slices),
    output: new Float64Array(z.length),
    pull: new Float64Array(z.length),
    counts: new Float64Array(groups * total),
    sums: new Float64Array(codebooks.length),
  };
  let left = z;
  let start = 0;
  sizes.forEach((codebookSize, l) => {
    const shape = { groups, codebookSize, dimension };
    const book = codebooks.subarray(start * width, (start + codebookSize) * width);
    const { codes, distances } = referenceAssign(left, book, shape);
    const rest = Float32Array.from(referenceResidual(left, book, codes, shape));
    const chosen = referenceGather(book, codes, shape);
    const found = referenceClusterSums(rest, codes, shape);
    for (let i = 0; i < z.length; i++) {
      result.output[i]! += chosen[i]!;
      result.pull[i]! += pullWeights[l]! * rest[i]!;
    }
    result.codes.set(codes, l * slices);
    result.distances.set(distances, l * slices);
    result.counts.set(found.counts, groups * start);
    result.sums.set(
      found.sums.map((sum) => sumWeights[l]! * sum),
      start * width,
    );
    left = rest;
    start += codebookSize;
  });
  return result;
}
