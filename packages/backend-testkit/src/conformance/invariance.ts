import type { CompleteBackend, DType, TypedArrays } from "@tessera/core";
import { expectSameBits } from "./assertions.js";
import { SLOW, withBackend, type CaseDefinition } from "./case.js";
import { runEveryKernel, runRowKernels, type Results } from "./every-kernel.js";
import { makeProblem, rowsOf, type Problem, type ProblemShape } from "./problems.js";

const SHAPES: readonly ProblemShape[] = [
  { rows: 261, groups: 1, codebookSize: 70, dimension: 33 },
  { rows: 131, groups: 3, codebookSize: 9, dimension: 5 },
  { rows: 67, groups: 1, codebookSize: 1000, dimension: 7 },
];

/** With about half the rows, for slow engines: odd numbers of them still, which fill no tile. */
const SMALLER_SHAPES: readonly ProblemShape[] = [
  { rows: 131, groups: 1, codebookSize: 70, dimension: 33 },
  { rows: 65, groups: 3, codebookSize: 9, dimension: 5 },
  { rows: 35, groups: 1, codebookSize: 1000, dimension: 7 },
];

function shapesOf(scale: number): readonly ProblemShape[] {
  return scale < SLOW ? SMALLER_SHAPES : SHAPES;
}

/** The problem with these of its rows, in this order. */
function pick(problem: Problem, rows: readonly number[]): Problem {
  const { x, codes, groups, dimension } = problem;
  const cols = groups * dimension;
  return {
    ...problem,
    rows: rows.length,
    x: Float32Array.from(rows.flatMap((row) => [...rowsOf(x, cols, row, row + 1)])),
    codes: Int32Array.from(rows.flatMap((row) => [...rowsOf(codes, groups, row, row + 1)])),
  };
}

/** Row kernels on `rows` of a problem must give the bits that they gave on the whole of it. */
async function checkRows(
  backend: CompleteBackend,
  problem: Problem,
  whole: Results,
  rows: readonly number[],
  how: string,
): Promise<void> {
  const part = await runRowKernels(backend, pick(problem, rows));
  for (const [name, values] of part) {
    const all = whole.get(name)!;
    const width = all.length / problem.rows;
    const expected = values.slice() as TypedArrays[DType];
    rows.forEach((row, i) => expected.set(all.subarray(row * width, (row + 1) * width), i * width));
    expectSameBits(values, expected, `${name}, ${how}`);
  }
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

export const invarianceCases: readonly CaseDefinition[] = [
  {
    name: "invariance: a row's result does not depend on how rows are batched",
    async body(backend, { scale }) {
      for (const shape of shapesOf(scale)) {
        const problem = makeProblem(shape, 121);
        const { rows } = problem;
        const whole = await runRowKernels(backend, problem);
        const few = scale < SLOW ? 1 : 3;
        for (const size of scale < SLOW ? [3, 33] : [1, 3, 31, 33, 64, rows - 1]) {
          // Batches of one row would be many; their first and last few tell as much.
          for (let start = 0; start < rows; start += size) {
            if (size < 31 && start >= few * size && start < rows - few * size) continue;
            const batch = range(start, Math.min(rows, start + size));
            await checkRows(
              backend,
              problem,
              whole,
              batch,
              `rows from ${start} in batches of ${size}`,
            );
          }
        }
      }
    },
  },
  {
    name: "invariance: a row's result does not depend on the rows around it",
    async body(backend, { scale }) {
      for (const shape of shapesOf(scale)) {
        const problem = makeProblem(shape, 123);
        const whole = await runRowKernels(backend, problem);
        const all = range(0, shape.rows);
        await checkRows(backend, problem, whole, all.toReversed(), "rows backwards");
        const shuffled = all.map((i) => (i * 64) % shape.rows);
        await checkRows(backend, problem, whole, shuffled, "rows shuffled");
        const repeated = Array.from({ length: scale < SLOW ? 2 : 3 }, () => all).flat();
        await checkRows(backend, problem, whole, repeated, "rows several times over");
      }
    },
  },
  {
    name: "invariance: two runs, and two backends of a kind, give the same bits",
    body: (backend, { create, scale }) =>
      withBackend(create, async (other) => {
        for (const shape of identicalShapes(scale)) {
          const problem = makeProblem(shape, 125);
          const first = await runEveryKernel(backend, problem);
          expectSameResults(await runEveryKernel(backend, problem), first, "second run");
          expectSameResults(await runEveryKernel(other, problem), first, "second backend");
        }
      }),
  },
];

/** Shapes on which results are compared bit by bit; the last has rows for every thread. */
export function identicalShapes(scale: number): readonly ProblemShape[] {
  const rows = Math.ceil(10_007 * Math.min(1, scale));
  return [...shapesOf(scale), { rows, groups: 2, codebookSize: 7, dimension: 6 }];
}

/** The same bits, of what both have: a kernel that no others amount to may be left out. */
export function expectSameResults(got: Results, expected: Results, how: string): void {
  for (const [name, values] of expected) {
    const others = got.get(name);
    if (others) expectSameBits(others, values, `${name}, ${how}`);
  }
}
