import type { CompleteBackend } from "@tessera/core";
import { gaussianMatrix, randomCodes } from "../generators.js";
import { referenceCombine, referenceMatmul, referenceTake } from "../reference/dense.js";
import { expectClose, expectExact, readAs } from "./assertions.js";
import type { CaseDefinition, Settings } from "./case.js";
import { floats, integers, matrixTensor } from "./problems.js";

/** `[rows, inner, cols]` */
const PRODUCTS: readonly (readonly [number, number, number])[] = [
  [0, 3, 2],
  [3, 2, 0],
  [2, 0, 3],
  [1, 1, 1],
  [1, 33, 7],
  [7, 3, 1],
  [31, 129, 2],
  [33, 31, 33],
  [129, 7, 65],
  [64, 64, 64],
  [3, 1000, 5],
  [257, 33, 31],
];

async function checkMatmul(
  backend: CompleteBackend,
  [rows, inner, cols]: readonly [number, number, number],
  options: { transposeA: boolean; transposeB: boolean; relu: boolean; bias: boolean },
  settings: Settings,
): Promise<void> {
  const { transposeA, transposeB } = options;
  const a = gaussianMatrix(rows, inner, { seed: 61 }).data;
  const b = gaussianMatrix(inner, cols, { seed: 62 }).data;
  const bias = options.bias ? gaussianMatrix(1, cols, { seed: 63 }).data : undefined;
  const activation = options.relu ? "relu" : "none";
  const stored = { transposeA, transposeB, bias, activation } as const;
  const shape = { rows, inner, cols };
  const exact = referenceMatmul(a, b, shape, stored);
  const absolute = referenceMatmul(a.map(Math.abs), b.map(Math.abs), shape, {
    transposeA,
    transposeB,
    bias: bias?.map(Math.abs),
  });
  const result = backend.matmul(
    floats(backend, a, transposeA ? [inner, rows] : [rows, inner]),
    floats(backend, b, transposeB ? [cols, inner] : [inner, cols]),
    { transposeA, transposeB, activation, ...(bias && { bias: floats(backend, bias) }) },
  );
  const flags = Object.entries(options).filter(([, on]) => on);
  const name = `matmul, inner extent ${inner}, ${flags.map(([flag]) => flag).join(" + ") || "plain"}`;
  // inner products, inner sums and the bias, in any order; relu only brings values together.
  const bound = (i: number) => (inner + 2) * (2 ** -23 * absolute[i]! + settings.smallest);
  const values = await readAs(result, "float32", [rows, cols], name);
  expectClose(values, exact, bound, [rows, cols], name);
}

export const denseCases: readonly CaseDefinition[] = [
  {
    name: "matmul: every transpose with and without bias and relu, on every shape",
    async body(backend, settings) {
      for (const product of PRODUCTS) {
        for (let flags = 0; flags < 16; flags++) {
          const [transposeA, transposeB, relu, bias] = [1, 2, 4, 8].map((bit) => (flags & bit) > 0);
          const options = {
            transposeA: transposeA!,
            transposeB: transposeB!,
            relu: relu!,
            bias: bias!,
          };
          await checkMatmul(backend, product, options, settings);
        }
      }
    },
  },
  {
    name: "combine: alpha · a + beta · b",
    async body(backend, settings) {
      for (const [rows, cols] of [
        [0, 3],
        [1, 1],
        [33, 31],
        [1000, 7],
      ] as const) {
        const a = gaussianMatrix(rows, cols, { seed: 67 });
        const b = gaussianMatrix(rows, cols, { seed: 68 });
        for (const [alpha, beta] of [
          [1, -1],
          [0.1, 0.9],
          [-3, 0],
          [0, 1],
        ] as const) {
          const name = `combine(${alpha}, ${beta})`;
          const shape = [rows, cols];
          const result = backend.combine(
            matrixTensor(backend, a),
            matrixTensor(backend, b),
            alpha,
            beta,
          );
          const absolute = referenceCombine(
            a.data.map(Math.abs),
            b.data.map(Math.abs),
            Math.abs(alpha),
            Math.abs(beta),
          );
          // alpha, beta, two products and their sum are each rounded.
          const bound = (i: number) => 2 ** -22 * absolute[i]! + 2 * settings.smallest;
          const exact = referenceCombine(a.data, b.data, alpha, beta);
          const values = await readAs(result, "float32", shape, name);
          expectClose(values, exact, bound, shape, name);
        }
      }
    },
  },
  {
    name: "combine: takes tensors of any rank",
    async body(backend) {
      for (const shape of [[], [6], [2, 3], [1, 2, 3], [3, 1, 2, 1]]) {
        const data = shape.length === 0 ? [5] : [1, 2, 3, 4, 5, 6];
        const a = floats(backend, data, shape);
        const values = await readAs(backend.combine(a, a, 2, 1), "float32", shape, "combine");
        expectExact(
          values,
          data.map((value) => 3 * value),
          shape,
          "combine",
        );
      }
    },
  },
  {
    name: "take: rows by index, repeated and in any order",
    async body(backend) {
      for (const [rows, cols, count] of [
        [1, 1, 3],
        [7, 3, 0],
        [0, 4, 0],
        [33, 31, 129],
        [257, 5, 31],
      ] as const) {
        const x = gaussianMatrix(rows, cols, { seed: 71 });
        const indices = randomCodes(count, 1, Math.max(1, rows), { seed: 72 });
        const result = backend.take(matrixTensor(backend, x), integers(backend, indices));
        const values = await readAs(result, "float32", [count, cols], "take");
        expectExact(values, referenceTake(x.data, indices, cols), [count, cols], "take");
      }
    },
  },
];
