import { ArgumentError, CodeRangeError, NonFiniteError } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { referenceAssign, referenceAssignTopK } from "./assign.js";
import { referenceClusterSums, referenceGather, referenceResidual } from "./codebooks.js";
import { referenceCombine, referenceMatmul, referenceTake } from "./dense.js";
import {
  referenceScalarDecode,
  referenceScalarEncode,
  referenceThresholdEncode,
} from "./scalar.js";
import { referenceScanBits, referenceScanRows, referenceScanTables } from "./scan.js";

const f32 = (...values: number[]) => new Float32Array(values);
const i32 = (...values: number[]) => new Int32Array(values);

// Two groups of three codewords in one dimension; rows are pairs.
const SHAPE = { groups: 2, codebookSize: 3, dimension: 1 };
const BOOKS = f32(0, 2, 2, 10, 20, 30);

describe("assign", () => {
  it("takes the nearest per group, the lowest index on ties", () => {
    const { codes, distances } = referenceAssign(f32(1, 16, 5, 0), BOOKS, SHAPE);
    expect([...codes]).toEqual([0, 1, 1, 0]);
    expect([...distances]).toEqual([1, 16, 9, 100]);
  });

  it("orders by (distance, index)", () => {
    const { codes, distances } = referenceAssignTopK(f32(1.5, 29), BOOKS, SHAPE, 3);
    expect([...codes]).toEqual([1, 2, 0, 2, 1, 0]);
    expect([...distances]).toEqual([0.25, 0.25, 2.25, 1, 81, 361]);
  });

  it("takes the largest inner product under ip", () => {
    const { codes, distances } = referenceAssign(f32(-1, 3), BOOKS, SHAPE, "ip");
    expect([...codes]).toEqual([0, 2]);
    expect([...distances]).toEqual([0, -90]);
  });

  it("agrees with sorting all codewords", () => {
    const value = fc.integer({ min: -3, max: 3 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 }),
        fc.tuple(value, value),
        fc.integer({ min: 1, max: 12 }),
        (books, row, wanted) => {
          const count = Math.min(wanted, books.length);
          const shape = { groups: 1, codebookSize: books.length, dimension: 2 };
          const { codes } = referenceAssignTopK(f32(...row), f32(...books.flat()), shape, count);
          const sorted = books
            .map(([a, b], j) => ({ j, distance: (a - row[0]) ** 2 + (b - row[1]) ** 2 }))
            .sort((a, b) => a.distance - b.distance || a.j - b.j);
          expect([...codes]).toEqual(sorted.slice(0, count).map(({ j }) => j));
        },
      ),
    );
  });

  it("names the row or codeword that is not finite", () => {
    const bad = f32(0, 0, 0, NaN);
    expect(() => referenceAssign(bad, BOOKS, SHAPE)).toThrow(new NonFiniteError(1));
    expect(() => referenceAssign(f32(0, 1e20), BOOKS, SHAPE)).toThrow(new NonFiniteError(0));
    const books = BOOKS.map((value, j) => (j === 4 ? Infinity : value));
    expect(() => referenceAssign(f32(), books, SHAPE)).toThrow(new NonFiniteError(4, "codebook"));
  });
});

describe("codebooks", () => {
  it("gathers and takes residuals, with parents or without", () => {
    const codes = i32(1, 0, 0, 2);
    expect([...referenceGather(BOOKS, codes, SHAPE)]).toEqual([2, 10, 0, 30]);
    const x = f32(5, 5, 7, 7);
    expect([...referenceResidual(x, BOOKS, codes, SHAPE)]).toEqual([3, -5, 7, -23]);
    const parents = i32(1, 1);
    expect([...referenceResidual(x, BOOKS, codes, SHAPE, parents)]).toEqual([5, -3, 7, -23]);
  });

  it("sums rows and weights by code", () => {
    const x = f32(1, 10, 2, 20, 4, 40);
    const codes = i32(0, 1, 2, 1, 0, 0);
    const plain = referenceClusterSums(x, codes, SHAPE);
    expect([...plain.sums]).toEqual([5, 0, 2, 40, 30, 0]);
    expect([...plain.counts]).toEqual([2, 0, 1, 1, 2, 0]);
    const weighted = referenceClusterSums(x, codes, SHAPE, f32(1, 0.5, 3));
    expect([...weighted.sums]).toEqual([13, 0, 1, 120, 20, 0]);
    expect([...weighted.counts]).toEqual([4, 0, 0.5, 3, 1.5, 0]);
  });

  it("names the first code out of range", () => {
    const codes = i32(0, 1, 2, 3, -1, 0);
    expect(() => referenceGather(BOOKS, codes, SHAPE)).toThrow(new CodeRangeError(1, 1, 3, 3));
  });
});

describe("dense", () => {
  const a = f32(1, 2, 3, 4, 5, 6);
  const b = f32(1, -1, 0, 2, 3, -3);
  const shape = { rows: 2, inner: 3, cols: 2 };

  it("multiplies, adds the bias, then applies relu", () => {
    expect([...referenceMatmul(a, b, shape)]).toEqual([10, -6, 22, -12]);
    const options = { bias: f32(-11, 7), activation: "relu" } as const;
    expect([...referenceMatmul(a, b, shape, options)]).toEqual([0, 1, 11, 0]);
  });

  it("gives the same product of operands stored transposed", () => {
    const options = { transposeA: true, transposeB: true };
    const product = referenceMatmul(f32(1, 4, 2, 5, 3, 6), f32(1, 0, 3, -1, 2, -3), shape, options);
    expect([...product]).toEqual([10, -6, 22, -12]);
  });

  it("combines and takes", () => {
    expect([...referenceCombine(f32(1, 2), f32(10, 20), 3, -0.5)]).toEqual([-2, -4]);
    expect([...referenceTake(a, i32(2, 0, 2), 2)]).toEqual([5, 6, 1, 2, 5, 6]);
    expect(() => referenceTake(a, i32(0, 3), 2)).toThrow(ArgumentError);
  });
});

describe("scalar", () => {
  const lower = f32(0, -1, 5);
  const step = f32(1, 0.5, 0);

  it("encodes to the nearest level, clamped, and packs the lowest bits first", () => {
    const x = f32(1.2, -0.3, 7, 99, -9, 5);
    expect([...referenceScalarEncode(x, lower, step, 4, 8)]).toEqual([1, 1, 0, 3, 0, 0]);
    expect([...referenceScalarEncode(x, lower, step, 4, 2)]).toEqual([0b000101, 0b000011]);
    expect(() => referenceScalarEncode(f32(0, 0, 0, 0, NaN, 0), lower, step, 4, 2)).toThrow(
      new NonFiniteError(1),
    );
  });

  it("decodes, and ignores what follows the last code of a row", () => {
    const packed = Uint8Array.of(0b11000101, 0b11101011);
    expect([...referenceScalarDecode(packed, lower, step, 2)]).toEqual([1, -0.5, 5, 3, 0, 5]);
  });

  it("counts the thresholds that a value exceeds", () => {
    const thresholds = f32(0, 10, 1, 20);
    const x = f32(0, 15, 0.5, 10, 2, 21);
    expect([...referenceThresholdEncode(x, thresholds, 2, 4)]).toEqual([0x10, 0x01, 0x22]);
    expect(() => referenceThresholdEncode(f32(0, Infinity), thresholds, 2, 4)).toThrow(
      new NonFiniteError(0),
    );
  });
});

describe("scans", () => {
  it("finds the nearest rows, then fills empty places", () => {
    const q = f32(0, 0, 1, 1);
    const x = f32(1, 0, 0, 1, 3, 3);
    const shape = { queries: 2, rows: 3, dimension: 2 };
    const near = referenceScanRows(q, x, shape, 2);
    expect([...near.indices]).toEqual([0, 1, 0, 1]);
    expect([...near.distances]).toEqual([1, 1, 1, 1]);
    const scales = f32(1, -1, 0);
    const offsets = f32(0, 5, -2);
    const scaled = referenceScanRows(q, x, shape, 4, { scales, offsets, firstIndex: 10 });
    expect([...scaled.indices]).toEqual([12, 10, 11, -1, 12, 10, 11, -1]);
    expect([...scaled.distances].slice(0, 4)).toEqual([-2, 1, 4, Infinity]);
    expect(() => referenceScanRows(f32(0, NaN), x, { ...shape, queries: 1 }, 1)).toThrow(
      new NonFiniteError(0, "query"),
    );
  });

  it("adds up tables by codes, two to a byte", () => {
    const tables = f32(
      ...Array.from({ length: 48 }, (_, i) => (i % 16) * 10 ** Math.floor(i / 16)),
    );
    const blocks = new Uint8Array(64);
    blocks.set([0x21, 0x03, 0xf0]);
    blocks.set([0x05, 0x06, 0x07], 32);
    const shape = { queries: 1, groups: 3, codebookSize: 16 } as const;
    const found = referenceScanTables(tables, blocks, shape, 3, { rows: 3 });
    expect([...found.distances]).toEqual([521, 603, 850]);
    expect([...found.indices]).toEqual([0, 1, 2]);
    const probes = { starts: i32(0), ends: i32(2), biases: f32(0.5) };
    const visited = referenceScanTables(tables, blocks, shape, 3, { rows: 3, probes });
    expect([...visited.distances]).toEqual([521.5, 603.5, Infinity]);
    const outside = { ...probes, ends: i32(4) };
    expect(() =>
      referenceScanTables(tables, blocks, shape, 3, { rows: 3, probes: outside }),
    ).toThrow(ArgumentError);
  });

  it("counts differing bits of allowed rows, and keeps what was found", () => {
    const codes = Uint8Array.of(0b1111, 0b0001, 0b0000);
    const found = { indices: i32(40, -1), distances: Float64Array.of(1, Infinity) };
    const near = referenceScanBits(Uint8Array.of(0), codes, { queries: 1, rows: 3, bytes: 1 }, 2, {
      allowed: Uint8Array.of(0b011),
      found,
    });
    expect([...near.indices]).toEqual([1, 40]);
    expect([...near.distances]).toEqual([1, 1]);
  });
});
