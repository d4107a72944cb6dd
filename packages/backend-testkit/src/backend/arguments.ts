import { ArgumentError, ShapeError, type Tensor } from "@tessera/core";
import type { CodebookShape } from "../reference/assign.js";

/** An extent that a shape must have, or `undefined` for any. */
export type Extent = number | undefined;

/** @throws {ShapeError} unless the tensor has exactly these extents */
export function checkShape(tensor: Tensor, name: string, expected: readonly Extent[]): void {
  const matches =
    tensor.shape.length === expected.length &&
    expected.every((extent, axis) => extent === undefined || extent === tensor.shape[axis]);
  if (!matches) {
    const wanted = expected.map((extent) => extent ?? "any").join(", ");
    throw new ShapeError(
      `${name} has shape [${tensor.shape.join(", ")}]; this call needs [${wanted}]`,
      { hint: "the shapes of one call must agree; reshape() or slice() the tensor" },
    );
  }
}

/** @throws {ShapeError} unless every extent is an integer from 0 */
export function checkExtents(shape: readonly number[]): void {
  shape.forEach((extent, axis) => {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new ShapeError(`extent ${extent} of axis ${axis} is not an integer from 0`, {
        hint: "a shape is a list of integers from 0",
      });
    }
  });
}

/** @throws {ArgumentError} unless `value` is an integer in `low..high` */
export function checkInteger(value: number, name: string, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new ArgumentError(`${name} is ${value}; it must be an integer from ${low} to ${high}`, {
      hint: `pass an integer from ${low} to ${high}`,
    });
  }
}

/** @throws {ArgumentError} unless `value` is a number in `low..high` */
export function checkNumber(value: number, name: string, low: number, high: number): void {
  if (!(value >= low && value <= high)) {
    throw new ArgumentError(`${name} is ${value}; it must be from ${low} to ${high}`, {
      hint: `pass a number from ${low} to ${high}`,
    });
  }
}

/** @throws {ArgumentError} unless codes of this width fill bytes evenly */
export function checkBits(bits: number): void {
  if (![1, 2, 4, 8].includes(bits)) {
    throw new ArgumentError(`bits is ${bits}; codes take 1, 2, 4 or 8`, {
      hint: "codes of another width take the next larger one",
    });
  }
}

/** @throws {ArgumentError} unless `value` is one of `allowed` */
export function checkChoice(value: string, name: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) {
    throw new ArgumentError(`${name} is "${value}"`, { hint: `use ${allowed.join(" or ")}` });
  }
}

/** @throws {ShapeError} unless the tensor is `[g, k, d]` with every extent at least 1 */
export function codebookShape(codebooks: Tensor<"float32">): CodebookShape {
  checkShape(codebooks, "codebooks", [undefined, undefined, undefined]);
  const [groups, codebookSize, dimension] = codebooks.shape as [number, number, number];
  if (groups < 1 || codebookSize < 1 || dimension < 1) {
    throw new ShapeError(`codebooks have shape [${codebooks.shape.join(", ")}]`, {
      hint: "codebooks need at least one group, one codeword and one dimension",
    });
  }
  return { groups, codebookSize, dimension };
}

/** Checks that a matrix has the columns that the codebooks need; returns its rows. */
export function checkRows(x: Tensor<"float32">, name: string, shape: CodebookShape): number {
  checkShape(x, name, [undefined, shape.groups * shape.dimension]);
  return x.shape[0]!;
}

/** @throws {ShapeError} unless there are codebooks, `[1, k, dimension]` each, with every extent at least 1 */
export function checkLevels(codebooks: readonly Tensor<"float32">[], dimension: number): void {
  if (codebooks.length === 0) {
    throw new ShapeError("codebooks is an empty list", { hint: "pass one for each level" });
  }
  codebooks.forEach((codebook, l) => {
    checkShape(codebook, `codebooks[${l}]`, [1, undefined, dimension]);
    codebookShape(codebook);
  });
}
