import { scalarTolerance, type CompleteBackend, type Matrix } from "@tessera/core";
import { gaussianMatrix, randomCodes } from "../generators.js";
import {
  packBits,
  referenceScalarDecode,
  referenceThresholdEncode,
  unpackBits,
} from "../reference/scalar.js";
import { expectClose, expectExact, readAs } from "./assertions.js";
import type { CaseDefinition } from "./case.js";
import { floats, matrixTensor } from "./problems.js";

const BITS = [1, 2, 4, 8] as const;
type Bits = (typeof BITS)[number];

/** `[rows, cols]`: rows that end within a byte, a vector or several, and enough of them for every thread. */
const SHAPES: readonly (readonly [number, number])[] = [
  [0, 5],
  [3, 0],
  [1, 1],
  [7, 3],
  [5, 7],
  [31, 8],
  [2, 15],
  [3, 16],
  [33, 17],
  [1, 31],
  [9, 33],
  [5, 64],
  [13, 100],
  [2, 129],
  [20_011, 7],
];

interface Scale {
  readonly lower: Float32Array;
  readonly step: Float32Array;
}

/** Ranges that normal values exceed on both sides now and then. */
function scaleOf(cols: number, levels: number): Scale {
  const width = gaussianMatrix(1, cols, { seed: 131, mean: 3, spread: 0.3 }).data;
  return {
    lower: gaussianMatrix(1, cols, { seed: 132, mean: -1.5, spread: 0.2 }).data,
    step: width.map((value) => Math.abs(value) / (levels - 1)),
  };
}

function makeRows(rows: number, cols: number): Matrix {
  return gaussianMatrix(rows, cols, { seed: 133 });
}

/** Each code must be nearest within the tolerance, and the bits after a row's last code 0. */
async function checkEncode(
  backend: CompleteBackend,
  { data: x, rows, cols }: Matrix,
  bits: Bits,
  levels: number,
): Promise<void> {
  const name = `scalarEncode of [${rows}, ${cols}] to ${levels} levels in ${bits} bits`;
  const { lower, step } = scaleOf(cols, levels);
  const result = backend.scalarEncode(
    floats(backend, x, [rows, cols]),
    floats(backend, lower),
    floats(backend, step),
    levels === 2 ** bits ? { bits } : { bits, levels },
  );
  const packed = await readAs(result, "uint8", [rows, Math.ceil((cols * bits) / 8)], name);
  const codes = unpackBits(packed, cols, bits);
  expectExact(packed, packBits(codes, cols, bits), [packed.length], `${name}, padding`);
  const positions = Float64Array.from(x).map((value, i) =>
    clamp((value - lower[i % cols]!) / step[i % cols]!, 0, levels - 1),
  );
  const off = (i: number): number => 0.5 + scalarTolerance(positions[i]!);
  expectClose(codes, positions, off, [rows, cols], name);
}

export const scalarCases: readonly CaseDefinition[] = [
  {
    name: "scalarEncode: the nearest level, clamped, on every shape and number of bits",
    async body(backend, { scale }) {
      for (const [rows, cols] of SHAPES) {
        const x = makeRows(rows > 1000 ? Math.ceil(rows * Math.min(1, scale)) : rows, cols);
        for (const bits of BITS) {
          await checkEncode(backend, x, bits, 2 ** bits);
          if (bits > 1) await checkEncode(backend, x, bits, 2 ** bits - 1);
        }
      }
      await checkEncode(backend, makeRows(33, 20), 8, 64);
      await checkEncode(backend, makeRows(33, 20), 8, 2);
    },
  },
  {
    name: "scalarEncode: values on a level get its code, and those far outside the first or last",
    async body(backend) {
      const lower = Float32Array.of(-8, 100, 0);
      const step = Float32Array.of(0.5, 2, 2 ** -20);
      const codes = [0, 1, 9, 15, 0, 15, 7, 0, 15];
      const x = codes.map((code, i) => lower[i % 3]! + code * step[i % 3]!);
      x.push(-1e30, 1e30, -1, 1e30, -1e30, 1);
      codes.push(0, 15, 0, 15, 0, 15);
      const result = backend.scalarEncode(
        floats(backend, x, [5, 3]),
        floats(backend, lower),
        floats(backend, step),
        { levels: 16 },
      );
      expectExact(await result.read(), codes, [5, 3], "scalarEncode");
    },
  },
  {
    name: "scalarEncode: a step of 0 gives code 0",
    async body(backend) {
      const step = floats(backend, [0, -0, 2 ** -140, 1]);
      const x = floats(backend, [5, 5, 5, 5, 9, 6, 5.5, 7, -1, 4, 0, 4], [3, 4]);
      const result = backend.scalarEncode(x, floats(backend, [5, 5, 5, 5]), step);
      const expected = [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0];
      expectExact(await result.read(), expected, [3, 4], "scalarEncode");
    },
  },
  {
    name: "scalarDecode: lower + code · step on every shape and number of bits",
    async body(backend, { smallest }) {
      for (const [rows, cols] of SHAPES) {
        for (const bits of BITS) {
          const name = `scalarDecode of ${bits} bits to [${rows}, ${cols}]`;
          const width = Math.ceil((cols * bits) / 8);
          // Whole bytes at random, so that the bits after a row's last code are not 0.
          const codes = Uint8Array.from(randomCodes(rows, width, 256, { seed: 137 }));
          const { lower, step } = scaleOf(cols, 2 ** bits);
          const result = backend.scalarDecode(
            backend.tensor(codes, [rows, width]),
            floats(backend, lower),
            floats(backend, step),
            { bits },
          );
          const exact = referenceScalarDecode(codes, lower, step, bits);
          const absolute = referenceScalarDecode(codes, lower.map(Math.abs), step, bits);
          const bound = (i: number): number => 2 ** -23 * absolute[i]! + 2 * smallest;
          const values = await readAs(result, "float32", [rows, cols], name);
          expectClose(values, exact, bound, [rows, cols], name);
        }
      }
    },
  },
  {
    name: "scalarDecode: gives back what was on a level",
    async body(backend) {
      const lower = floats(backend, [-2, 0, 8]);
      const step = floats(backend, [0.25, 0, 4]);
      const x = [-2, 0, 8, 1.75, 0, 68, -0.25, 0, 24];
      for (const bits of [4, 8] as const) {
        const codes = backend.scalarEncode(floats(backend, x, [3, 3]), lower, step, { bits });
        const values = await backend.scalarDecode(codes, lower, step, { bits }).read();
        expectExact(values, x, [3, 3], "scalarDecode of scalarEncode");
      }
    },
  },
  {
    name: "thresholdEncode: the number of thresholds exceeded, on every shape and number of bits",
    async body(backend, { scale }) {
      for (const [all, cols] of SHAPES) {
        const rows = all > 1000 ? Math.ceil(all * Math.min(1, scale)) : all;
        const x = gaussianMatrix(rows, cols, { seed: 139 });
        const thresholds = gaussianMatrix(255, cols, { seed: 140 }).data;
        // A value at a threshold does not exceed it.
        for (let i = 0; i < x.data.length; i += 5) x.data[i] = thresholds[i % cols]!;
        const held = matrixTensor(backend, x);
        for (const bits of BITS) {
          for (const count of new Set([1, Math.min(5, 2 ** bits - 1), 2 ** bits - 1])) {
            const name = `thresholdEncode of [${rows}, ${cols}] by ${count} in ${bits} bits`;
            const few = thresholds.subarray(0, count * cols);
            const result = backend.thresholdEncode(held, floats(backend, few, [count, cols]), {
              bits,
            });
            const expected = referenceThresholdEncode(x.data, few, count, bits);
            const shape = [rows, Math.ceil((cols * bits) / 8)];
            expectExact(await readAs(result, "uint8", shape, name), expected, shape, name);
          }
        }
      }
    },
  },
  {
    name: "packSigns: a bit for each value above its threshold",
    async body(backend) {
      for (const [all, cols] of SHAPES) {
        const rows = Math.min(all, 100);
        const x = gaussianMatrix(rows, cols, { seed: 141 });
        const thresholds = gaussianMatrix(1, cols, { seed: 142 }).data;
        for (const given of [thresholds, undefined]) {
          const name = `packSigns of [${rows}, ${cols}]${given ? " with thresholds" : ""}`;
          const result = given
            ? backend.packSigns(matrixTensor(backend, x), floats(backend, given))
            : backend.packSigns(matrixTensor(backend, x));
          const above = given ?? new Float32Array(cols);
          const shape = [rows, Math.ceil(cols / 8)];
          const expected = referenceThresholdEncode(x.data, above, 1, 1);
          expectExact(await readAs(result, "uint8", shape, name), expected, shape, name);
        }
      }
    },
  },
  {
    name: "packSigns: zero of either sign is not above zero, and the next number above a threshold is",
    async body(backend) {
      const x = floats(backend, [0, -0, 2 ** -126, -(2 ** -126), 1, -1, 3e38, -3e38], [1, 8]);
      expectExact(await backend.packSigns(x).read(), [0b01010100], [1, 1], "packSigns");
      const near = [1 + 2 ** -23, 1, 1 - 2 ** -24];
      const thresholds = floats(backend, [1, 1, 1]);
      const packed = await backend.packSigns(floats(backend, near, [1, 3]), thresholds).read();
      expectExact(packed, [0b001], [1, 1], "packSigns with thresholds");
    },
  },
];

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
