import { pickBackend } from "@tessera/backend";
import { clusteredMatrix, createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  AbortedError,
  ArgumentError,
  completeBackend,
  expectNoLeaks,
  matrix,
  NonFiniteError,
  Random,
  ShapeError,
  sliceRows,
  type Matrix,
  type Rows,
} from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockRows,
  fitKmeans,
  fitKmeansGroups,
  type GroupedKmeansOptions,
  type GroupedKmeansResult,
} from "./index.js";

const backend = completeBackend(createReferenceBackend());

function fit(rows: Rows, options: GroupedKmeansOptions): Promise<GroupedKmeansResult> {
  return expectNoLeaks(backend, () => fitKmeansGroups(rows, { backend, ...options }));
}

function streamOf(x: Matrix, seed: number, most: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      const random = new Random(seed);
      for (let start = 0; start < x.rows;) {
        const end = Math.min(x.rows, start + random.integer(most + 1));
        yield sliceRows(x, start, end);
        start = end;
      }
    },
  };
}

async function* once(x: Matrix) {
  yield x;
}

/** Matrices of as many rows, side by side. */
function beside(parts: readonly Matrix[]): Matrix {
  const rows = parts[0]!.rows;
  const cols = parts.reduce((sum, part) => sum + part.cols, 0);
  const data = new Float32Array(rows * cols);
  let first = 0;
  for (const part of parts) {
    for (let i = 0; i < rows; i++) data.set(sliceRows(part, i, i + 1).data, i * cols + first);
    first += part.cols;
  }
  return { data, rows, cols };
}

describe("fitKmeansGroups", () => {
  it("finds each group's clusters, as worked out by hand", async () => {
    const rows = matrix([
      [0, 10],
      [2, 10],
      [100, 30],
      [102, 32],
    ]);
    const { groups, distortion } = await fit(rows, { groups: 2, codebookSize: 2 });
    expect(groups.map(({ codebook }) => [...codebook.data].sort((a, b) => a - b))).toEqual([
      [1, 101],
      [10, 31],
    ]);
    expect(groups.map(({ objective }) => objective)).toEqual([4, 2]);
    expect(groups.map(({ counts }) => Array.from(counts))).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(distortion).toBe(1.5);
  });

  it.each([
    ["clusters", (seed: number) => clusteredMatrix(800, 3, { seed, clusters: 32 })],
    ["few clusters", (seed: number) => clusteredMatrix(800, 3, { seed, clusters: 10 })],
    ["no clusters", (seed: number) => gaussianMatrix(800, 3, { seed })],
  ])("is as good in every group as k-means of its slice: %s", async (_, make) => {
    const slices = [1, 2, 3, 4].map(make);
    const options = { codebookSize: 32, seed: 1 };
    const { groups } = await fit(beside(slices), { groups: 4, ...options });
    let total = 0;
    for (const [m, { objective }] of groups.entries()) {
      const alone = await fitKmeans(slices[m]!, { backend, ...options });
      expect(objective).toBeLessThan(1.05 * alone.objective);
      total += objective / alone.objective;
    }
    expect(total / 4).toBeLessThan(1.01);
  });

  it("depends on a group's own columns and place alone", async () => {
    const slices = [1, 2, 3].map((seed) => clusteredMatrix(120, 2, { seed }));
    const constant = { data: new Float32Array(240).fill(3), rows: 120, cols: 2 };
    for (const init of ["k-means++", "random"] as const) {
      const options = { groups: 3, codebookSize: 8, init };
      const all = await fit(beside(slices), options);
      const other = await fit(beside([constant, slices[1]!, slices[0]!]), options);
      expect(other.groups[1]).toEqual(all.groups[1]);
    }
  });

  it("gives the bits of the matrix for a stream, however it is cut", async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 1, max: 90 }),
      fc.constantFrom("k-means++", "random"),
      fc.boolean(),
      async (seed, most, init, duplicates) => {
        const x = duplicates
          ? matrix(Array.from({ length: 80 }, (_, i) => [i % 5, 1, i % 3, i % 7]))
          : clusteredMatrix(80, 4, { seed });
        const options = { groups: 2, codebookSize: 9, initRows: 40, init, seed } as const;
        const expected = await fit(x, options);
        expect(await fit(streamOf(x, seed, most), options)).toEqual(expected);
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  it("gives the bits of the matrix over several blocks", async () => {
    const x = clusteredMatrix(140_000, 2, { seed: 3, clusters: 4 });
    expect(blockRows(2)).toBe(65_536);
    const options = { groups: 2, codebookSize: 3, iterations: 2, tolerance: 0 };
    expect(await fit(streamOf(x, 1, 40_000), options)).toEqual(await fit(x, options));
  });

  it("gives the same bits with 1, 2 and 3 threads", async () => {
    const x = clusteredMatrix(3000, 32, { seed: 1, clusters: 60, spread: 0.3 });
    const results: GroupedKmeansResult[] = [];
    for (const threads of [1, 2, 3]) {
      const cpu = await pickBackend({ name: "cpu", threads });
      try {
        const options = { groups: 4, codebookSize: 40, backend: cpu };
        results.push(await expectNoLeaks(cpu, () => fitKmeansGroups(x, options)));
      } finally {
        cpu.dispose();
      }
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("never raises an objective, and stops each group by itself", async () => {
    const x = beside([
      clusteredMatrix(300, 2, { seed: 1, clusters: 6, spread: 0.01 }),
      gaussianMatrix(300, 2, { seed: 2 }),
    ]);
    const { groups } = await fit(x, { groups: 2, codebookSize: 6 });
    for (const { history, objective, iterations } of groups) {
      expect(history).toHaveLength(iterations + 1);
      expect(history.at(-1)).toBe(objective);
      for (let i = 1; i < history.length; i++) {
        expect(history[i]).toBeLessThanOrEqual(history[i - 1]! * (1 + 1e-6));
      }
    }
    expect(groups[0]!.iterations).toBeLessThan(groups[1]!.iterations);
    const capped = await fit(x, { groups: 2, codebookSize: 6, iterations: 0 });
    expect(capped.groups.map(({ stopped }) => stopped)).toEqual(["iterations", "iterations"]);
  });

  it("fills codewords that have no rows", async () => {
    // Seven distinct values and eight codewords in one group, seventy in the other.
    const x = matrix(Array.from({ length: 70 }, (_, i) => [i % 7, i]));
    for (const init of ["k-means++", "random"] as const) {
      for (const rows of [x, streamOf(x, 1, 20)]) {
        const { groups } = await fit(rows, { groups: 2, codebookSize: 8, init });
        expect(groups[0]!.objective).toBe(0);
        expect(groups[0]!.stopped).toBe("converged");
        expect(Math.min(...groups[1]!.counts)).toBeGreaterThan(0);
      }
    }
  });

  it("is never worse for more restarts, in any group", async () => {
    const x = gaussianMatrix(120, 6, { seed: 4 });
    const options = { groups: 3, codebookSize: 10, init: "random" } as const;
    const one = await fit(x, options);
    const four = await fit(x, { ...options, restarts: 4 });
    four.groups.forEach(({ objective }, m) => {
      expect(objective).toBeLessThanOrEqual(one.groups[m]!.objective);
    });
    expect(four.distortion).toBeLessThan(one.distortion);
  });

  it("depends on the seed", async () => {
    const x = gaussianMatrix(100, 4, { seed: 5 });
    const options = { groups: 2, codebookSize: 12 };
    expect(await fit(x, { ...options, seed: 3 })).toEqual(await fit(x, { ...options, seed: 3 }));
    expect(await fit(x, { ...options, seed: 3 })).not.toEqual(await fit(x, options));
  });

  it("fits to a sample, also of a stream that can be read only once", async () => {
    const x = gaussianMatrix(300, 4, { seed: 1 });
    const options = { groups: 2, codebookSize: 6, sample: 100, seed: 4 };
    const expected = await fit(x, options);
    expect(expected.rows).toBe(100);
    expect(await fit(once(x), options)).toEqual(expected);
    expect(await fit(streamOf(x, 2, 50), options)).toEqual(expected);
    await expect(fit(once(x), { groups: 2, codebookSize: 6 })).rejects.toThrow("only once");
  });

  it("names the row that is not finite, wherever it is met", async () => {
    const x = gaussianMatrix(200, 4, { seed: 6 });
    x.data[150 * 4 + 3] = Number.NaN;
    const options = { groups: 2, codebookSize: 5 };
    for (const initRows of [200, 5]) {
      for (const rows of [x, streamOf(x, 1, 40)]) {
        await expect(fit(rows, { ...options, initRows })).rejects.toMatchObject({ row: 150 });
      }
    }
    await expect(fit(x, { ...options, sample: 199 })).rejects.toThrow(NonFiniteError);
  });

  it("says what is wrong, and which numbers of groups would do", async () => {
    const x = gaussianMatrix(20, 12);
    const error = await fit(x, { groups: 5, codebookSize: 4 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ShapeError);
    expect(String(error)).toContain("rows of 12 values do not divide into 5 equal groups");
    expect((error as ShapeError).hint).toContain("groups may be 1, 2, 3, 4, 6, 12");
    await expect(fit(streamOf(x, 1, 5), { groups: 7, codebookSize: 4 })).rejects.toThrow(
      ShapeError,
    );
    await expect(fit(x, { groups: 3, codebookSize: 21 })).rejects.toThrow(
      "codebookSize 21 needs at least 21 rows; there are 20",
    );
    for (const wrong of [
      { groups: 0 },
      { groups: 1.5 },
      { codebookSize: 0 },
      { iterations: -1 },
      { restarts: 0 },
      { tolerance: -1 },
      { sample: 3 },
      { init: "lbg" as "random" },
    ]) {
      await expect(fit(x, { groups: 3, codebookSize: 4, ...wrong })).rejects.toThrow(ArgumentError);
    }
  });

  it.each([1, 3, 8, 14])("stops on abort after %i reports", async (stopAfter) => {
    const controller = new AbortController();
    const tasks: string[] = [];
    const options: GroupedKmeansOptions = {
      groups: 2,
      codebookSize: 40,
      tolerance: 0,
      restarts: 3,
      signal: controller.signal,
      onProgress: ({ task }) => {
        if (tasks.push(task) === stopAfter) controller.abort();
      },
    };
    await expect(fit(gaussianMatrix(300, 6, { seed: 1 }), options)).rejects.toThrow(AbortedError);
    expect(tasks.length).toBeLessThan(stopAfter + 3);
  });
});
