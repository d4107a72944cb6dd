import { clusteredMatrix, gaussianMatrix, integerMatrix } from "../generators.js";
import { expectSameBits } from "./assertions.js";
import { type CaseDefinition, SLOW } from "./case.js";
import { checkAssignment } from "./check-assignment.js";
import { floats, type Problem } from "./problems.js";

/** Enough of each that an engine which looks for short cuts takes them. */
const SHAPE = { rows: 613, groups: 1, codebookSize: 130, dimension: 35 };

/** Rows and codebooks that are hard for approximations, by what is hard about them. */
function hardProblems(rows: number): Record<string, Problem> {
  const { codebookSize, dimension } = SHAPE;
  const make = (x: Float32Array, codebooks: Float32Array): Problem => ({
    ...SHAPE,
    rows,
    x,
    codebooks,
    codes: new Int32Array(rows),
  });
  const normal = gaussianMatrix(rows, dimension, { seed: 141 }).data;
  const words = gaussianMatrix(codebookSize, dimension, { seed: 142 }).data;
  const near = words.map((value, i) => words[i % (7 * dimension)]! + 1e-5 * value);
  return {
    "of an ordinary kind": make(
      clusteredMatrix(rows, dimension, { seed: 143, clusters: 40 }).data,
      clusteredMatrix(codebookSize, dimension, { seed: 143, clusters: 40 }).data,
    ),
    "with ties": make(
      integerMatrix(rows, dimension, { seed: 144, bound: 1 }).data,
      integerMatrix(codebookSize, dimension, { seed: 145, bound: 1 }).data,
    ),
    "far from 0": make(
      normal.map((value) => 500 + value),
      words.map((value) => 500 + value),
    ),
    "with codewords in seven bundles": make(normal, near),
    "with one codeword far out": make(
      normal,
      words.map((value, i) => (i < dimension ? 1e6 * value : value)),
    ),
    "with one value that dwarfs the others": make(
      normal.map((value, i) => (i % dimension === 3 ? 1e4 * value : value)),
      words.map((value, i) => (i % dimension === 3 ? 1e4 * value : value)),
    ),
    "of all scales": make(
      normal.map((value, i) => value * 10 ** ((Math.floor(i / dimension) % 25) - 12)),
      words.map((value, i) => value * 10 ** ((Math.floor(i / dimension) % 25) - 12)),
    ),
    "of zeros": make(new Float32Array(rows * dimension), words),
  };
}

export const manyRowsCases: readonly CaseDefinition[] = [
  {
    name: "assign: many rows against many codewords that are hard to tell apart",
    async body(backend, settings) {
      const rows = Math.ceil(SHAPE.rows * Math.min(1, settings.scale));
      for (const [what, problem] of Object.entries(hardProblems(rows))) {
        for (const metric of ["l2", "ip"] as const) {
          await checkAssignment(backend, problem, settings, { metric, what });
        }
      }
    },
  },
  {
    name: "invariance: many rows at once have the bits that they have in small batches",
    async body(backend, { scale }) {
      const problems = Object.entries(hardProblems(SHAPE.rows));
      for (const [what, problem] of scale < SLOW ? problems.slice(0, 2) : problems) {
        const { rows, codebookSize, dimension } = problem;
        for (const metric of ["l2", "ip"] as const) {
          const x = floats(backend, problem.x, [rows, dimension]);
          const books = floats(backend, problem.codebooks, [1, codebookSize, dimension]);
          const whole = backend.assign(x, books, { metric });
          const codes = await whole.codes.read();
          const distances = await whole.distances.read();
          for (let start = 0; start < rows; start += 101) {
            const end = Math.min(rows, start + 101);
            const part = backend.assign(backend.slice(x, start, end), books, { metric });
            const name = `assign ${metric} of rows ${what}, rows ${start} to ${end - 1}`;
            expectSameBits(codes.slice(start, end), await part.codes.read(), name);
            expectSameBits(distances.slice(start, end), await part.distances.read(), name);
          }
        }
      }
    },
  },
];
