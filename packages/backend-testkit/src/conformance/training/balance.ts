import { ArgumentError, balanceTolerance, ShapeError, type BalanceOptions } from "@tessera/core";
import { clusteredMatrix, gaussianMatrix } from "../../generators.js";
import { referenceBalancedAssign } from "../../reference/training/balance.js";
import { expectRefused } from "../arguments.js";
import { expectExact, expectThat, readAs } from "../assertions.js";
import type { CaseDefinition } from "../case.js";
import { expectNonFinite } from "../faults.js";
import { floats } from "../problems.js";
import { optionCase, type With } from "./problem.js";

/** Rows, groups, codewords, dimension. */
type Shape = readonly [number, number, number, number];

const SHAPES: readonly Shape[] = [
  [0, 1, 3, 2],
  [1, 1, 1, 1],
  [5, 1, 7, 3],
  [64, 1, 33, 9],
  [130, 3, 17, 5],
  [257, 1, 256, 32],
  [33, 2, 70, 1],
];

interface Problem {
  readonly x: Float32Array;
  readonly codebooks: Float32Array;
}

function makeProblem([rows, groups, codewords, dimension]: Shape): Problem {
  return {
    x: clusteredMatrix(rows, groups * dimension, { seed: 241, spread: 0.3 }).data,
    codebooks: gaussianMatrix(groups * codewords, dimension, { seed: 242 }).data,
  };
}

/** Every code is where the reference's plan is largest, or as near to that as may be ranked either way. */
async function checkBalance(
  backend: With<"balancedAssign">,
  [rows, groups, codewords, dimension]: Shape,
  { x, codebooks }: Problem,
  options: BalanceOptions,
): Promise<Int32Array> {
  const name = `balancedAssign, epsilon ${options.epsilon}, ${options.iterations} iterations`;
  const found = backend.balancedAssign(
    floats(backend, x, [rows, groups * dimension]),
    floats(backend, codebooks, [groups, codewords, dimension]),
    options,
  );
  const codes = await readAs(found, "int32", [rows, groups], name);
  const shape = { groups, codebookSize: codewords, dimension };
  const exact = referenceBalancedAssign(x, codebooks, shape, options);
  codes.forEach((code, s) => {
    const best = exact.codes[s]!;
    if (code === best) return;
    const at = ((s % groups) * rows + Math.floor(s / groups)) * codewords;
    const behind = exact.plan[at + best]! - exact.plan[at + code]!;
    expectThat(
      behind <= balanceTolerance(dimension, options),
      name,
      `position ${s}: code ${code} is behind ${best} by ${behind} in the plan's logarithm`,
    );
  });
  return codes;
}

export const balanceCases: readonly CaseDefinition[] = [
  optionCase(["balancedAssign"], "balancedAssign: on every shape", async (backend, { scale }) => {
    for (const shape of SHAPES) {
      const [rows, groups, codewords, dimension] = shape;
      const work = groups * codewords * (dimension + 60);
      const few = Math.min(rows, Math.max(2, Math.ceil((4e6 * scale) / work)));
      const cut: Shape = [few, groups, codewords, dimension];
      const problem = makeProblem(cut);
      for (const epsilon of [1, 0.05, 0.003]) {
        await checkBalance(backend, cut, problem, { epsilon, iterations: 5 });
      }
    }
  }),
  optionCase(["balancedAssign"], "balancedAssign: shares rows out", async (backend) => {
    const shape: Shape = [96, 1, 8, 2];
    // All rows near one codeword.
    const x = gaussianMatrix(96, 2, { seed: 243, mean: 3, spread: 0.3 }).data;
    const problem = { x, codebooks: makeProblem(shape).codebooks };
    const codes = await checkBalance(backend, shape, problem, { epsilon: 0.003, iterations: 50 });
    const counts = new Int32Array(8);
    codes.forEach((code) => (counts[code]! += 1));
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    expectThat(
      least >= 6 && most <= 24,
      "balancedAssign",
      `codewords have ${counts.join(", ")} rows`,
    );
  }),
  optionCase(["balancedAssign"], "balancedAssign: the lowest of equals", async (backend) => {
    const { x, codebooks } = makeProblem([21, 1, 6, 3]);
    codebooks.copyWithin(9, 0, 9);
    const codes = backend.balancedAssign(
      floats(backend, x, [21, 3]),
      floats(backend, codebooks, [1, 6, 3]),
      { epsilon: 0.1, iterations: 4 },
    );
    const highest = Math.max(...(await codes.read()));
    expectThat(highest < 3, "balancedAssign", `code ${highest} has a lower equal`);
    const same = backend.balancedAssign(
      floats(backend, new Float32Array(8), [4, 2]),
      floats(backend, new Float32Array(10).fill(1), [1, 5, 2]),
      { epsilon: 1e-3, iterations: 2 },
    );
    expectExact(await same.read(), [0, 0, 0, 0], [4, 1], "balancedAssign of equal distances");
  }),
  optionCase(["balancedAssign"], "balancedAssign: refuses and names", async (backend) => {
    const { x, codebooks } = makeProblem([40, 2, 5, 3]);
    const books = floats(backend, codebooks, [2, 5, 3]);
    const rows = floats(backend, x, [40, 6]);
    const balance = (epsilon: number, iterations: number) => () =>
      backend.balancedAssign(rows, books, { epsilon, iterations });
    const narrow = floats(backend, x, [80, 3]);
    expectRefused(backend, [
      ["balancedAssign, epsilon 0", balance(0, 1), [ArgumentError]],
      ["balancedAssign, no iteration", balance(1, 0), [ArgumentError]],
      [
        "balancedAssign, rows of 3 for 6",
        () => backend.balancedAssign(narrow, books, { epsilon: 1, iterations: 1 }),
        [ShapeError],
      ],
    ]);
    x[29 * 6 + 4] = NaN;
    x[33 * 6] = Infinity;
    const bad = floats(backend, x, [40, 6]);
    const codes = backend.balancedAssign(bad, books, { epsilon: 0.1, iterations: 2 });
    await expectNonFinite(codes, 29, "balancedAssign");
  }),
];
