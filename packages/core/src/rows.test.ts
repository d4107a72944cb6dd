import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AbortedError, ArgumentError, NonFiniteError, ShapeError } from "./errors.js";
import {
  batchesOf,
  checkFinite,
  checkReplayable,
  type Matrix,
  matrix,
  sliceColumns,
  sliceRows,
} from "./rows.js";

async function* stream(m: Matrix, cuts: readonly number[]): AsyncGenerator<Matrix> {
  let start = 0;
  for (const cut of [...cuts, m.rows]) {
    const end = Math.min(m.rows, start + cut);
    yield sliceRows(m, start, end);
    start = end;
  }
}

describe("matrix", () => {
  it("takes flat data or rows", () => {
    expect(
      matrix([
        [1, 2],
        [3, 4],
      ]),
    ).toEqual(matrix(Float32Array.of(1, 2, 3, 4), 2));
    expect(() => matrix(new Float32Array(5), 2)).toThrow("5 values do not fill rows of 2");
    expect(() => matrix([[1], [1, 2]])).toThrow("row 1 has 2 values, row 0 has 1");
    expect(() => matrix([])).toThrow(ShapeError);
  });

  it("is cut by columns into copies", () => {
    const m = matrix([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const slice = sliceColumns(m, 1, 3);
    expect(slice).toEqual(
      matrix([
        [2, 3],
        [5, 6],
      ]),
    );
    slice.data[0] = 9;
    expect(m.data[1]).toBe(2);
  });

  it("names the first row that is not finite", () => {
    const m = matrix([
      [1, 2],
      [3, Number.NaN],
      [Infinity, 0],
    ]);
    expect(() => checkFinite(m)).toThrow(NonFiniteError);
    expect(() => checkFinite(m)).toThrow("row 1");
    expect(new NonFiniteError(1).shifted(10).row).toBe(11);
  });
});

describe("batchesOf", () => {
  it("cuts the same batches however the rows arrive", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.nat({ max: 9 }), { maxLength: 8 }),
        async (rows, size, cuts) => {
          const m = { data: Float32Array.from({ length: rows * 3 }, (_, i) => i), rows, cols: 3 };
          const collect = async (source: Matrix | AsyncIterable<Matrix>) => {
            const batches: number[][] = [];
            for await (const batch of batchesOf(source, size)) batches.push([...batch.data]);
            return batches;
          };
          const expected = await collect(m);
          expect(expected.flat()).toEqual([...m.data]);
          expect(await collect(stream(m, cuts))).toEqual(expected);
        },
      ),
    );
  });

  it("keeps as many batches valid as asked for", async () => {
    const m = { data: Float32Array.from({ length: 60 }, (_, i) => i), rows: 20, cols: 3 };
    for (const lasting of [0, 1, 2]) {
      const seen: { batch: Matrix; values: number[] }[] = [];
      for await (const batch of batchesOf(stream(m, [2, 9, 1, 3]), 4, undefined, lasting)) {
        seen.push({ batch, values: [...batch.data] });
        for (const { batch: kept, values } of seen.slice(-1 - lasting)) {
          expect([...kept.data]).toEqual(values);
        }
      }
      expect(seen.flatMap(({ values }) => values)).toEqual([...m.data]);
    }
  });

  it("refuses batches of different widths, and stops when aborted", async () => {
    const uneven = (async function* () {
      yield matrix([[1, 2]]);
      yield matrix([[1, 2, 3]]);
    })();
    const read = async () => {
      for await (const batch of batchesOf(uneven, 8)) void batch;
    };
    await expect(read()).rejects.toThrow("a batch has 3 columns, the first had 2");
    const aborted = batchesOf(matrix([[1]]), 1, AbortSignal.abort());
    await expect(aborted.next()).rejects.toThrow(AbortedError);
  });

  it("tells a stream that can be replayed from one that cannot", () => {
    const m = matrix([[1]]);
    expect(() => checkReplayable(m)).not.toThrow();
    expect(() => checkReplayable({ [Symbol.asyncIterator]: () => stream(m, []) })).not.toThrow();
    expect(() => checkReplayable(stream(m, []))).toThrow(ArgumentError);
  });
});
