import { ArgumentError, Codes, ShapeError } from "@tessera/core";

/**
 * One index for each row of FSQ's codes: Σ code_j · Π_{i<j} levels_i, a number of mixed radix whose **first dimension is the
 * least significant digit**, as in the paper and in vector-quantize-pytorch.
 *
 * @param codes `[n, levels.length]`
 * @returns `[n]`, each below the product of the levels
 * @throws {ShapeError} if the codes are not of these levels
 * @throws {ArgumentError} if the product is above 2⁵³, which no index then fits
 */
export function fsqIndices(codes: Codes, levels: readonly number[]): Float64Array {
  if (codes.cardinalities.join() !== levels.join()) {
    throw new ShapeError(
      `the codes have ${codes.cardinalities.join(", ")} values a column; the levels are ${levels.join(", ")}`,
    );
  }
  return toIndices(codes, weightsOf(levels));
}

/**
 * What {@link fsqIndices} came from.
 *
 * @throws {ArgumentError} naming the first index that is none
 */
export function fsqDigits(indices: ArrayLike<number>, levels: readonly number[]): Codes {
  return toDigits(indices, levels, weightsOf(levels));
}

/**
 * One index for each row of signs, of LFQ (`lfq12`) or of `sign`: a binary number whose **first dimension is the most
 * significant digit**, as in vector-quantize-pytorch (Yu et al. 2024, "Language model beats diffusion").
 *
 * @param codes `[n, d]` of bits, d ≤ 53
 * @returns `[n]`, each below 2^d
 */
export function lfqIndices(codes: Codes): Float64Array {
  const { cardinalities } = codes;
  if (cardinalities.some((count) => count !== 2)) {
    throw new ShapeError(`the codes have ${cardinalities.join(", ")} values a column, not 2 each`);
  }
  return toIndices(codes, weightsOf(cardinalities).reverse());
}

/**
 * What {@link lfqIndices} came from.
 *
 * @param dimension d
 * @throws {ArgumentError} naming the first index that is none
 */
export function lfqBits(indices: ArrayLike<number>, dimension: number): Codes {
  const levels = Array.from({ length: dimension }, () => 2);
  return toDigits(indices, levels, weightsOf(levels).reverse());
}

/** What one unit of each digit counts for, the first digit being the least significant. */
function weightsOf(levels: readonly number[]): number[] {
  let product = 1;
  const weights = levels.map((count) => {
    const weight = product;
    product *= count;
    return weight;
  });
  if (product > 2 ** 53) {
    throw new ArgumentError(`${levels.length} columns have more than 2^53 combinations`, {
      hint: "keep the columns apart, or take indices of some of them",
    });
  }
  return weights;
}

function toIndices({ data, rows, columns }: Codes, weights: readonly number[]): Float64Array {
  const indices = new Float64Array(rows);
  for (let i = 0, at = 0; i < rows; i++) {
    let index = 0;
    for (let j = 0; j < columns; j++) index += data[at++]! * weights[j]!;
    indices[i] = index;
  }
  return indices;
}

function toDigits(
  indices: ArrayLike<number>,
  levels: readonly number[],
  weights: readonly number[],
): Codes {
  const columns = levels.length;
  const total = levels.reduce((product, count) => product * count, 1);
  const digits = new Uint32Array(indices.length * columns);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (!(Number.isInteger(index) && index >= 0 && index < total)) {
      throw new ArgumentError(`index ${index} at row ${i} is outside 0..${total - 1}`);
    }
    for (let j = 0; j < columns; j++) {
      digits[i * columns + j] = Math.floor(index / weights[j]!) % levels[j]!;
    }
  }
  return new Codes(digits, levels);
}
