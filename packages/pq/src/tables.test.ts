import {
  createReferenceBackend,
  gaussianMatrix,
  randomCodes,
  referenceDistance,
} from "@tessera/backend-testkit";
import {
  ArgumentError,
  CodeRangeError,
  Codes,
  matrix,
  NonFiniteError,
  ShapeError,
  sliceRows,
} from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomPq } from "../test/rows.js";
import { codeTables, PqModel, tableDistances } from "./index.js";

const backend = createReferenceBackend();
const toy = new PqModel([matrix([[0], [2]]), matrix([[0], [4]])]);

describe("tables", () => {
  it("hold the distances of the slices, as worked out by hand", () => {
    const tables = toy.distanceTables(Float32Array.of(1, 3));
    expect(tables).toEqual(
      matrix([
        [1, 1],
        [9, 1],
      ]),
    );
    const codes = new Codes([0, 0, 0, 1, 1, 1], [2, 2]);
    expect([...tableDistances(tables, codes)]).toEqual([10, 2, 2]);
    const products = toy.distanceTables(Float32Array.of(1, 3), { metric: "ip" });
    expect([...tableDistances(products, codes)]).toEqual([0, -12, -14]);
    expect(toy.symmetricTables()).toEqual([
      matrix([
        [0, 4],
        [4, 0],
      ]),
      matrix([
        [0, 16],
        [16, 0],
      ]),
    ]);
  });

  it("give the distance from a query, or from a decoded row, to decoded rows", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom("l2", "ip"),
        async (seed, groups, size, width, metric) => {
          const model = randomPq(seed, groups, size, width);
          const codes = new Codes(
            randomCodes(20, groups, size, { seed }),
            Array.from({ length: groups }, () => size),
          );
          const decoded = await model.decode(codes);
          const cols = groups * width;
          const query = gaussianMatrix(1, cols, { seed: seed + 9 }).data;
          const own = sliceRows(decoded, 3, 4).data;
          const asymmetric = model.distanceTables(query, { metric });
          const symmetric = codeTables(model.symmetricTables({ metric }), codes.row(3));
          for (const [from, tables] of [
            [query, asymmetric],
            [own, symmetric],
          ] as const) {
            tableDistances(tables, codes).forEach((distance, i) => {
              const direct = referenceDistance(from, 0, decoded.data, i * cols, cols, metric);
              expect(distance).toBeCloseTo(direct, 3);
            });
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("give a row's own code the least distance of all codes", async () => {
    const model = randomPq(5, 3, 6, 2);
    const rows = gaussianMatrix(8, 6, { seed: 6 });
    const codes = await model.encode(rows, { backend });
    for (let i = 0; i < rows.rows; i++) {
      const tables = model.distanceTables(sliceRows(rows, i, i + 1).data);
      const least = Array.from({ length: 3 }, (_, m) =>
        Math.min(...sliceRows(tables, m, m + 1).data),
      ).reduce((sum, value) => sum + value, 0);
      const own = new Codes(codes.row(i), codes.cardinalities);
      expect(tableDistances(tables, own)[0]).toBeCloseTo(least, 5);
    }
  });

  it("say what is wrong with a query, a code, a metric, and a size", () => {
    expect(() => toy.distanceTables(Float32Array.of(1))).toThrow(ShapeError);
    expect(() => toy.distanceTables(Float32Array.of(1, NaN))).toThrow(NonFiniteError);
    expect(() => toy.distanceTables(Float32Array.of(1, 2), { metric: "cosine" as "ip" })).toThrow(
      'metric is "cosine"',
    );
    const symmetric = toy.symmetricTables();
    expect(() => codeTables(symmetric, [0])).toThrow(ShapeError);
    expect(() => codeTables(symmetric, [0, 2])).toThrow("code 2 of group 2 is outside 0..1");
    const tables = toy.distanceTables(Float32Array.of(1, 2));
    expect(() => tableDistances(tables, new Codes([0], [2]))).toThrow(ShapeError);
    expect(() => tableDistances(tables, new Codes([0, 2], [3, 3]))).toThrow(CodeRangeError);
    expect(() => randomPq(1, 2, 16_384, 1).symmetricTables()).toThrow(ArgumentError);
  });
});
