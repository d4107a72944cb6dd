import { tensor1d, tensor2d, type Tensor1D, type Tensor2D } from "@tensorflow/tfjs-core";
import { checkSpec, portableLog } from "@tessera/core";
import { MAX_FLOAT32 } from "../tensors.js";

/** How far beyond its outermost values the bound reaches, as a share; of the paper's code. */
const EPSILON = 1e-3;

/** One dimension's bound: b(z) = (h · tanh(z + shift) − offset) / half, of which the codes' values are the rounding. */
interface Bound {
  /** L */
  readonly levels: number;
  /** h = (L − 1)(1 + ε)/2 */
  readonly reach: number;
  readonly shift: number;
  /** What the codes' values are divided by to lie within −1..1: ⌊L/2⌋, and ½ of two levels. */
  readonly half: number;
}

/** Two levels are symmetric; others are as `@tessera/vq`'s `fsq(…,scale=none)`. */
function boundOf(levels: number): Bound {
  const reach = ((levels - 1) * (1 + EPSILON)) / 2;
  const shifted = levels % 2 === 0 && levels > 2;
  return {
    levels,
    reach,
    shift: shifted ? atanh(0.5 / reach) : 0,
    half: levels === 2 ? 0.5 : Math.floor(levels / 2),
  };
}

/** @throws {SpecError} unless they are integers from 2 to 256 */
export function checkLevels(levels: readonly number[]): void {
  checkSpec({ kind: "fsq", levels, scale: "none" });
}

/**
 * What a value must exceed for each further code, `[d, max(L) − 1]`, filled up with what nothing exceeds. The same float32
 * numbers as in `FsqModel`, so that codes do not depend on how a device computes tanh.
 */
export function thresholdsOf(levels: readonly number[]): Tensor2D {
  const columns = Math.max(...levels) - 1;
  const data = new Float32Array(levels.length * columns).fill(MAX_FLOAT32);
  levels.forEach((count, j) => {
    const { reach, shift } = boundOf(count);
    for (let k = 0; k < count - 1; k++) {
      data[j * columns + k] = atanh((k - (count - 2) / 2) / reach) - shift;
    }
  });
  return tensor2d(data, [levels.length, columns]);
}

/** The code whose value is 0, `[d]`: ⌊L/2⌋, and between the two of two levels. */
export function centresOf(levels: readonly number[]): Tensor1D {
  return tensor1d(
    levels.map((count) => (count === 2 ? 0.5 : Math.floor(count / 2))),
    "float32",
  );
}

/** Codes from the value 0 to the value 1, `[d]`. */
export function halvesOf(levels: readonly number[]): Tensor1D {
  return tensor1d(
    levels.map((count) => boundOf(count).half),
    "float32",
  );
}

/** The shift of the bound, `[d]`. */
export function shiftsOf(levels: readonly number[]): Tensor1D {
  return tensor1d(
    levels.map((count) => boundOf(count).shift),
    "float32",
  );
}

/** h / half, `[d]`: the slope of the bound where it is steepest. */
export function slopesOf(levels: readonly number[]): Tensor1D {
  return tensor1d(
    levels.map((count) => boundOf(count).reach / boundOf(count).half),
    "float32",
  );
}

/** The same bits on every engine. */
function atanh(x: number): number {
  return portableLog((1 + x) / (1 - x)) / 2;
}
