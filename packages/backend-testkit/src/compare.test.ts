import { expect, it } from "vitest";
import { compareCodes } from "./compare.js";
import { gaussianMatrix } from "./generators.js";
import { referenceAssignTopK } from "./reference/assign.js";

const shape = { groups: 2, codebookSize: 9, dimension: 4 };
const x = gaussianMatrix(50, 8, { seed: 1 }).data;
const books = gaussianMatrix(18, 4, { seed: 2 }).data;

it.each([1, 3, 9])("finds nothing in the reference's own codes (count %i)", (count) => {
  for (const metric of ["l2", "ip"] as const) {
    const { codes } = referenceAssignTopK(x, books, shape, count, metric);
    const found = compareCodes(x, books, codes, { ...shape, count, metric });
    expect(found).toEqual({ mismatches: [], nearTies: 0 });
  }
});

it("names a wrong code, one out of range and one listed twice", () => {
  const { codes } = referenceAssignTopK(x, books, shape, 9);
  const right = codes[9 * 7]!;
  codes[9 * 7] = codes[9 * 7 + 8]!;
  codes[9 * 8] = 9;
  const { mismatches } = compareCodes(x, books, codes, { ...shape, count: 9 });
  expect(mismatches[0]).toMatchObject({ row: 3, group: 1, place: 0, expected: right });
  expect(mismatches[0]!.gap).toBeGreaterThan(mismatches[0]!.tolerance);
  // What was moved to the front comes again in its own place.
  expect(mismatches).toContainEqual(expect.objectContaining({ row: 3, place: 8, gap: Infinity }));
  expect(mismatches).toContainEqual(expect.objectContaining({ row: 4, got: 9, gap: Infinity }));
});

it("allows either of two codewords that are nearly as far, but not the later of two equal ones", () => {
  const one = { groups: 1, codebookSize: 3, dimension: 1 };
  const near = new Float32Array([1 + 2 ** -23, 1, 1]);
  const row = new Float32Array([0]);
  const compare = (code: number) => compareCodes(row, near, [code], one);
  expect(compare(1)).toEqual({ mismatches: [], nearTies: 0 });
  expect(compare(0)).toEqual({ mismatches: [], nearTies: 1 });
  expect(compare(2).mismatches).toMatchObject([{ expected: 1, got: 2, gap: 0 }]);
});

it("allows for flushed subnormals only if told", () => {
  const one = { groups: 1, codebookSize: 2, dimension: 1 };
  const tiny = new Float32Array([1e-19, 3e-20]);
  const row = new Float32Array([0]);
  expect(compareCodes(row, tiny, [0], one).mismatches).toHaveLength(1);
  const flushing = { ...one, flushesSubnormals: true };
  expect(compareCodes(row, tiny, [0], flushing)).toEqual({ mismatches: [], nearTies: 1 });
});
