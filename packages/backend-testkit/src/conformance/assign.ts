import type { CompleteBackend } from "@tessera/core";
import { integerMatrix } from "../generators.js";
import { referenceAssignTopK } from "../reference/assign.js";
import { expectExact } from "./assertions.js";
import type { CaseDefinition, Settings } from "./case.js";
import { checkAssignment } from "./check-assignment.js";
import { makeProblem, problemShapes, upload, type Problem } from "./problems.js";

/** Small integers: every sum is exact in float32, so codes and distances must equal the reference, ties included. */
async function checkExactTies(backend: CompleteBackend, count: number | undefined): Promise<void> {
  for (const metric of ["l2", "ip"] as const) {
    for (const [groups, codebookSize, dimension] of [
      [1, 300, 3],
      [3, 40, 2],
      [1, 7, 1],
      [2, 33, 17],
    ] as const) {
      const rows = 101;
      const x = integerMatrix(rows, groups * dimension, { seed: 4 }).data;
      const codebooks = integerMatrix(groups * codebookSize, dimension, { seed: 5 }).data;
      const problem = { x, codebooks, rows, groups, codebookSize, dimension };
      const tensors = upload(backend, { ...problem, codes: new Int32Array(rows * groups) });
      const expected = referenceAssignTopK(x, codebooks, problem, count ?? 1, metric);
      const got =
        count === undefined
          ? backend.assign(tensors.x, tensors.codebooks, { metric })
          : backend.assignTopK(tensors.x, tensors.codebooks, count, { metric });
      const shape = count === undefined ? [rows, groups] : [rows, groups, count];
      const name = `${count === undefined ? "assign" : `assignTopK(${count})`} ${metric}, ties`;
      expectExact(await got.codes.read(), expected.codes, shape, `${name}, codes`);
      expectExact(await got.distances.read(), expected.distances, shape, `${name}, distances`);
    }
  }
}

/** Copies of one codeword at the given places of a random codebook, and rows that are nearest to it. */
function duplicateProblem(codebookSize: number, places: readonly number[]): Problem {
  const problem = makeProblem({ rows: 67, groups: 1, codebookSize, dimension: 19 }, 11);
  const { x, codebooks, dimension } = problem;
  const codeword = codebooks.slice(places[0]! * dimension, (places[0]! + 1) * dimension);
  for (const place of places) codebooks.set(codeword, place * dimension);
  for (let i = 0; i < x.length; i++) x[i] = x[i]! * 0.01 + codeword[i % dimension]!;
  return problem;
}

export const assignCases: readonly CaseDefinition[] = [
  ...(["l2", "ip"] as const).map((metric) => ({
    name: `assign: codes and distances by ${metric} on every shape`,
    async body(backend: CompleteBackend, settings: Settings) {
      for (const shape of problemShapes(settings)) {
        await checkAssignment(backend, makeProblem(shape), settings, { metric });
      }
    },
  })),
  {
    name: "assign: exact ties go to the lowest index",
    body: (backend) => checkExactTies(backend, undefined),
  },
  {
    name: "assign: equal codewords, near and far apart, go to the lowest index",
    async body(backend, settings) {
      for (const [codebookSize, places] of [
        [2, [0, 1]],
        [201, [0, 200]],
        [256, [3, 4, 5, 130]],
        [300, [31, 32, 64, 299]],
        [40, Array.from({ length: 40 }, (_, j) => j)],
      ] as const) {
        const problem = duplicateProblem(codebookSize, places);
        for (const metric of ["l2", "ip"] as const) {
          const what = `equal codewords at ${places[0]} and ${places[1]}`;
          await checkAssignment(backend, problem, settings, { metric, what });
        }
      }
    },
  },
  {
    name: "assign: a row between two codewords takes the lower index",
    async body(backend) {
      const { x, codebooks } = upload(backend, {
        rows: 2,
        groups: 1,
        codebookSize: 40,
        dimension: 3,
        x: new Float32Array(6),
        codebooks: Float32Array.from({ length: 120 }, (_, i) => (i % 6 < 3 ? 0.7 : -0.7)),
        codes: new Int32Array(2),
      });
      expectExact(
        await backend.assign(x, codebooks).codes.read(),
        [0, 0],
        [2, 1],
        "assign of the middle",
      );
    },
  },
  {
    name: "assign: equal rows have equal codes and distances",
    async body(backend) {
      const problem = makeProblem({ rows: 131, groups: 1, codebookSize: 77, dimension: 23 }, 3);
      for (let i = 23; i < problem.x.length; i++) problem.x[i] = problem.x[i % 23]!;
      const tensors = upload(backend, problem);
      const { codes, distances } = backend.assign(tensors.x, tensors.codebooks);
      for (const tensor of [codes, distances]) {
        const values = await tensor.read();
        const first = Array.from(values, () => values[0]!);
        expectExact(values, first, [131, 1], "assign of equal rows");
      }
    },
  },
  {
    name: "assign: keeps its accuracy far from the origin, where distances cancel",
    async body(backend, settings) {
      const problem = makeProblem({ rows: 129, groups: 2, codebookSize: 65, dimension: 29 }, 7);
      for (const data of [problem.x, problem.codebooks]) {
        for (let i = 0; i < data.length; i++) data[i] = 1000 + 0.01 * data[i]!;
      }
      await checkAssignment(backend, problem, settings, { what: "about 1000" });
    },
  },
  {
    name: "assign: magnitudes from subnormal to the edge of overflow",
    async body(backend, settings) {
      // The largest distance is about 1e38; the largest float32 is 3.4e38.
      for (const magnitude of [1e-40, 1e-20, 1e-10, 1e15, 1e18]) {
        const problem = makeProblem({ rows: 65, groups: 2, codebookSize: 35, dimension: 9 }, 13);
        for (const data of [problem.x, problem.codebooks]) {
          for (let i = 0; i < data.length; i++) data[i] = data[i]! * magnitude;
        }
        for (const metric of ["l2", "ip"] as const) {
          await checkAssignment(backend, problem, settings, { metric, what: `of ${magnitude}` });
        }
      }
    },
  },
  {
    name: "assign: values whose squares come near the largest float32",
    async body(backend, settings) {
      // 37 codewords are no multiple of a tile: what pads the last tile must not win against squares of 9e36.
      const problem = makeProblem({ rows: 41, groups: 1, codebookSize: 37, dimension: 5 }, 17);
      for (const data of [problem.x, problem.codebooks]) {
        for (let i = 0; i < data.length; i++) data[i] = 3e18 * Math.max(-1, Math.min(1, data[i]!));
      }
      await checkAssignment(backend, problem, settings, { what: "of 3e18" });
      const away = problem.codebooks.map((value) => -Math.abs(value));
      const far = { ...problem, x: problem.x.map(Math.abs), codebooks: away };
      await checkAssignment(backend, far, settings, {
        metric: "ip",
        what: "of 3e18, all products < 0",
      });
    },
  },
  {
    name: "assign: rows and codewords of mixed scales",
    async body(backend, settings) {
      const problem = makeProblem({ rows: 91, groups: 1, codebookSize: 53, dimension: 12 }, 19);
      const { x, codebooks, dimension } = problem;
      for (const [data, scales] of [
        [x, 9],
        [codebooks, 10],
      ] as const) {
        for (let i = 0; i < data.length; i++) {
          data[i] = data[i]! * 10 ** ((Math.floor(i / dimension) % scales) - 4);
        }
      }
      await checkAssignment(backend, problem, settings, { what: "of mixed scales" });
    },
  },
];

export const topKCases: readonly CaseDefinition[] = [
  {
    name: "assignTopK: choice and order on every shape",
    async body(backend, settings) {
      for (const shape of problemShapes(settings)) {
        const counts = new Set([1, 2, 5, Math.min(256, shape.codebookSize)]);
        for (const count of counts) {
          if (count > shape.codebookSize) continue;
          // Checking a place costs as much as assigning, so many places make do with few rows.
          const rows = Math.min(shape.rows, Math.ceil(400 / count));
          const metric = count === 2 ? "ip" : "l2";
          const problem = makeProblem({ ...shape, rows }, 23);
          await checkAssignment(backend, problem, settings, { metric, count });
        }
      }
    },
  },
  {
    name: "assignTopK: exact ties are in the order of the index",
    async body(backend) {
      for (const count of [1, 5, 7]) await checkExactTies(backend, count);
    },
  },
  {
    name: "assignTopK: equal codewords are in the order of the index",
    async body(backend, settings) {
      for (const places of [
        [0, 200],
        [31, 32, 64, 201],
      ]) {
        await checkAssignment(backend, duplicateProblem(202, places), settings, { count: 6 });
      }
    },
  },
  {
    name: "assignTopK: a shorter list is the beginning of a longer one, and assign is its first",
    async body(backend) {
      const shape = { rows: 119, groups: 3, codebookSize: 37, dimension: 10 };
      for (const metric of ["l2", "ip"] as const) {
        const { x, codebooks } = upload(backend, makeProblem(shape, 29));
        const longest = backend.assignTopK(x, codebooks, 37, { metric });
        const codes = await longest.codes.read();
        const distances = await longest.distances.read();
        for (const count of [undefined, 1, 3, 5, 36]) {
          const shorter =
            count === undefined
              ? backend.assign(x, codebooks, { metric })
              : backend.assignTopK(x, codebooks, count, { metric });
          const kernel = count === undefined ? "assign" : `assignTopK(${count})`;
          const name = `${kernel} ${metric} against assignTopK(37)`;
          const dims = [119, 3, count ?? 1];
          const begin = (all: ArrayLike<number>): number[] =>
            Array.from(all).filter((_, i) => i % 37 < (count ?? 1));
          expectExact(await shorter.codes.read(), begin(codes), dims, `${name}, codes`);
          expectExact(await shorter.distances.read(), begin(distances), dims, `${name}, distances`);
        }
      }
    },
  },
];
