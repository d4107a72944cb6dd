import { ArgumentError, ShapeError, type CompleteBackend, type Tensor } from "@tessera/core";
import { clusteredMatrix, gaussianMatrix, integerMatrix } from "../generators.js";
import { expectRefused, untyped } from "./arguments.js";
import { SLOW, withBackend, type CaseDefinition } from "./case.js";
import { checkBeam, type BeamProblem } from "./check-beam.js";
import { expectNonFinite } from "./faults.js";
import { floats } from "./problems.js";

/** Rows, codewords of each level, dimension, beam. */
const SHAPES: readonly (readonly [number, readonly number[], number, number])[] = [
  [0, [3, 2], 2, 2],
  [1, [1], 1, 1],
  [5, [1, 1, 1], 3, 4],
  [33, [300], 5, 7],
  [64, [8, 8], 16, 1],
  [67, [13, 1, 40], 7, 3],
  [131, [33, 17, 9, 5], 12, 5],
  [97, [32, 32, 32], 33, 8],
  [40, [64, 64], 129, 2],
  [29, [20, 70, 20, 20, 20, 20], 40, 16],
  [9, [60, 60, 60], 24, 256],
  [7, [257, 129], 64, 100],
  // Tables of every pair of codewords would take more memory than all else.
  [3, [3000, 3000], 64, 2],
  // Rows for every thread of an engine.
  [5003, [6, 5, 4], 6, 3],
];

/** Clustered rows, and codebooks that get finer by level as residuals do. */
function makeProblem(
  rows: number,
  sizes: readonly number[],
  dimension: number,
  seed: number,
): BeamProblem {
  return {
    rows,
    dimension,
    x: clusteredMatrix(rows, dimension, { seed, spread: 0.5 }).data,
    codebooks: sizes.map(
      (size, l) => gaussianMatrix(size, dimension, { seed: seed + 1 + l, spread: 0.6 ** l }).data,
    ),
  };
}

function mapped(problem: BeamProblem, change: (value: number) => number): BeamProblem {
  return {
    ...problem,
    x: problem.x.map(change),
    codebooks: problem.codebooks.map((book) => book.map(change)),
  };
}

/** Small integers: every sum is exact in float32, so codes and distances must equal the reference, ties included. */
function integerProblem(
  rows: number,
  sizes: readonly number[],
  dimension: number,
  seed: number,
): BeamProblem {
  return {
    rows,
    dimension,
    x: integerMatrix(rows, dimension, { seed }).data,
    codebooks: sizes.map(
      (size, l) => integerMatrix(size, dimension, { seed: seed + 1 + l, bound: 2 }).data,
    ),
  };
}

function upload(backend: CompleteBackend, { rows, dimension, x, codebooks }: BeamProblem) {
  return {
    x: floats(backend, x, [rows, dimension]),
    codebooks: codebooks.map((book) =>
      floats(backend, book, [1, book.length / dimension, dimension]),
    ),
  };
}

export const beamCases: readonly CaseDefinition[] = [
  {
    name: "beamSearch: codes and distances on every shape",
    async body(backend, settings) {
      for (const [most, sizes, dimension, beam] of SHAPES) {
        const work = sizes.reduce((sum, size) => sum + size, 0) * dimension * beam;
        const rows = Math.min(most, Math.max(1, Math.ceil((2e7 * settings.scale) / work)));
        await checkBeam(backend, makeProblem(rows, sizes, dimension, 131), beam, settings);
      }
    },
  },
  {
    name: "beamSearch: exact ties go by candidate, then by code",
    async body(backend, settings) {
      for (const [sizes, dimension, beam] of [
        [[40, 40, 40], 2, 5],
        [[9, 70, 9, 9], 3, 9],
        [[33, 33], 40, 3],
        [[50, 50], 1, 60],
      ] as const) {
        const problem = integerProblem(61, sizes, dimension, 137);
        await checkBeam(backend, problem, beam, settings, { exact: true, what: "of integers" });
      }
    },
  },
  {
    name: "beamSearch: the candidate of greedy encoding is kept",
    async body(backend, settings) {
      // Coarse later levels: what looks bad at first often ends well.
      for (const [dimension, beam] of [
        [2, 2],
        [5, 3],
        [36, 2],
      ] as const) {
        const rows = settings.scale < SLOW ? 100 : 400;
        const problem = integerProblem(rows, [12, 12, 12, 12], dimension, 139);
        await checkBeam(backend, problem, beam, settings, { exact: true, what: "of integers" });
      }
    },
  },
  {
    name: "beamSearch: keeps its accuracy far from the origin, where distances cancel",
    async body(backend, settings) {
      for (const [sizes, dimension, beam] of [
        [[65, 40, 30], 29, 4],
        [[16, 16], 4, 3],
      ] as const) {
        const { codebooks, ...rest } = makeProblem(129, sizes, dimension, 149);
        const away = (value: number): number => 100 + 0.1 * value;
        const problem = {
          ...rest,
          x: rest.x.map(away),
          codebooks: codebooks.map((book, l) => book.map(l === 0 ? away : (v) => 0.1 * v)),
        };
        await checkBeam(backend, problem, beam, settings, { what: "about 100" });
      }
    },
  },
  {
    name: "beamSearch: magnitudes from subnormal to the edge of overflow",
    async body(backend, settings) {
      for (const magnitude of [1e-40, 1e-20, 1e-10, 1e15, 1e17]) {
        const problem = mapped(makeProblem(65, [35, 20, 10], 24, 151), (v) => v * magnitude);
        await checkBeam(backend, problem, 3, settings, { what: `of ${magnitude}` });
      }
    },
  },
  {
    name: "beamSearch: a row or codeword that is not finite, or whose square overflows, is named at read()",
    async body(backend) {
      if (!backend.beamSearch) return;
      for (const beam of [1, 3]) {
        for (const value of [NaN, Infinity, -1e25]) {
          const problem = makeProblem(103, [37, 20], 16, 157);
          for (const row of [40, 71, 102]) problem.x[row * 16 + 7] = value;
          const { x, codebooks } = upload(backend, problem);
          const { codes, distances } = backend.beamSearch(x, codebooks, beam);
          await expectNonFinite(codes, 40, `beamSearch of rows with ${value}, codes`);
          await expectNonFinite(distances, 40, `beamSearch of rows with ${value}, distances`);
          const later = backend.residual(x, codebooks[0]!, firstLevel(backend, codes));
          await expectNonFinite(later, 40, "residual after a faulty beamSearch");
        }
        for (const level of [0, 1]) {
          const problem = makeProblem(103, [37, 20], 16, 163);
          problem.codebooks[level]![17 * 16 + 15] = 1e25;
          const { x, codebooks } = upload(backend, problem);
          const { codes } = backend.beamSearch(x, codebooks, beam);
          await expectNonFinite(codes, 17, `beamSearch with a bad codeword at level ${level + 1}`);
        }
      }
    },
  },
  {
    name: "beamSearch: refuses wrong shapes, types and beams",
    async body(backend, { create }) {
      const { beamSearch } = backend;
      if (!beamSearch) return;
      const x = backend.zeros([4, 3], "float32");
      const book = backend.zeros([1, 5, 3], "float32");
      const narrow = backend.zeros([1, 5, 2], "float32");
      const groups = backend.zeros([2, 5, 3], "float32");
      const none = backend.zeros([1, 0, 3], "float32");
      const flat = backend.zeros([12], "float32");
      const whole = untyped<Tensor<"float32">>(backend.zeros([4, 3], "int32"));
      const search = (rows: Tensor<"float32">, books: readonly Tensor<"float32">[], beam = 2) =>
        beamSearch.call(backend, rows, books, beam);
      expectRefused(backend, [
        ["beamSearch of no levels", () => search(x, []), [ShapeError]],
        ["beamSearch of a vector", () => search(flat, [book]), [ShapeError]],
        ["beamSearch of codewords of 2 values", () => search(x, [book, narrow]), [ShapeError]],
        ["beamSearch of two groups", () => search(x, [groups]), [ShapeError]],
        ["beamSearch of no codewords", () => search(x, [book, none]), [ShapeError]],
        ["beamSearch of int32 rows", () => search(whole, [book]), [ArgumentError]],
        ...[0, 257, 1.5, NaN].map(
          (beam) =>
            [
              `beamSearch with beam ${beam}`,
              () => search(x, [book], beam),
              [ArgumentError],
            ] as const,
        ),
      ]);
      await withBackend(create, async (other) => {
        const foreign = floats(other, new Float32Array(15), [1, 5, 3]);
        expectRefused(backend, [
          ["beamSearch of a foreign codebook", () => search(x, [book, foreign]), [ArgumentError]],
        ]);
      });
    },
  },
];

function firstLevel(backend: CompleteBackend, codes: Tensor<"int32">): Tensor<"int32"> {
  const [, rows] = codes.shape as [number, number];
  return backend.reshape(backend.slice(codes, 0, 1), [rows, 1]);
}
