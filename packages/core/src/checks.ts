import { ArgumentError, ShapeError } from "./errors.js";
import type { Tensor } from "./tensor.js";

// What backends check before they enqueue anything.

/** @throws {ShapeError} unless the shape is the expected one; `undefined` stands for any extent */
export function checkShape(
  tensor: Tensor,
  name: string,
  expected: readonly (number | undefined)[],
): void {
  if (fits(tensor.shape, expected)) return;
  const wanted = expected.map((extent) => extent ?? "any").join(", ");
  throw new ShapeError(`${name} is [${tensor.shape.join(", ")}], where [${wanted}] is needed`, {
    hint: "the shapes of all arguments of a call must fit together",
  });
}

function fits(shape: readonly number[], expected: readonly (number | undefined)[]): boolean {
  if (shape.length !== expected.length) return false;
  for (let axis = 0; axis < shape.length; axis++) {
    if (expected[axis] !== undefined && expected[axis] !== shape[axis]) return false;
  }
  return true;
}

/** @throws {ShapeError} unless every extent is a whole number from 0 */
export function checkExtents(shape: readonly number[]): void {
  if (shape.some((extent) => !Number.isSafeInteger(extent) || extent < 0)) {
    throw new ShapeError(`[${shape.join(", ")}] is not a shape`, {
      hint: "extents are whole numbers from 0",
    });
  }
}

/** @throws {ArgumentError} unless the value is a whole number in `low..high` */
export function checkInteger(value: number, name: string, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new ArgumentError(`${name} is ${value}; it must be a whole number in ${low}..${high}`);
  }
}

/** @throws {ArgumentError} unless the value is in `low..high`; NaN is not */
export function checkNumber(value: number, name: string, low: number, high: number): void {
  if (!(value >= low && value <= high)) {
    throw new ArgumentError(`${name} is ${value}; it must be from ${low} to ${high}`);
  }
}

/** @throws {ArgumentError} unless codes of this width fill bytes evenly */
export function checkBits(bits: number): void {
  if (![1, 2, 4, 8].includes(bits)) {
    throw new ArgumentError(`bits is ${bits}; codes take 1, 2, 4 or 8`);
  }
}

/** @throws {ArgumentError} unless the value is one of those allowed */
export function checkChoice(value: string, name: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) {
    throw new ArgumentError(`${name} is "${value}"`, { hint: `use ${allowed.join(" or ")}` });
  }
}

/** The extents of grouped codebooks. */
export interface BookShape {
  readonly groups: number;
  readonly codewords: number;
  readonly dimension: number;
}

/** @throws {ShapeError} unless the codebooks are `[g, k, d]` with every extent at least 1 */
export function bookShape(codebooks: Tensor): BookShape {
  checkShape(codebooks, "codebooks", [undefined, undefined, undefined]);
  const [groups, codewords, dimension] = codebooks.shape as [number, number, number];
  if (groups < 1 || codewords < 1 || dimension < 1) {
    throw new ShapeError(`codebooks is [${codebooks.shape.join(", ")}]`, {
      hint: "codebooks need at least one group, one codeword and one dimension",
    });
  }
  return { groups, codewords, dimension };
}

/** @throws {ShapeError} unless there are codebooks, `[1, k, dimension]` each, with every extent at least 1 */
export function checkLevels(codebooks: readonly Tensor[], dimension: number): void {
  if (codebooks.length === 0) {
    throw new ShapeError("codebooks is an empty list", { hint: "pass a codebook for each level" });
  }
  codebooks.forEach((codebook, l) => {
    checkShape(codebook, `codebooks[${l}]`, [1, undefined, dimension]);
    const { codewords } = bookShape(codebook);
    checkInteger(codewords, `the number of codewords of codebooks[${l}]`, 1, 2 ** 24);
  });
}
