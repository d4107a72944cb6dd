import {
  ArgumentError,
  CodeRangeError,
  NonFiniteError,
  type CompleteBackend,
  type Tensor,
} from "@tessera/core";
import { expectExact, expectRejects, expectThat } from "./assertions.js";
import type { CaseDefinition } from "./case.js";
import { floats, integers, makeProblem, upload, type ProblemShape } from "./problems.js";

const SHAPE: ProblemShape = { rows: 103, groups: 3, codebookSize: 37, dimension: 5 };
const ONE_GROUP: ProblemShape = { ...SHAPE, groups: 1 };

export async function expectNonFinite(tensor: Tensor, row: number, kernel: string): Promise<void> {
  const error = await expectRejects(() => tensor.read(), NonFiniteError, kernel);
  expectThat(error.row === row, kernel, `expected the error to name row ${row}, got ${error.row}`);
}

/** Rejects with exactly the error of the first code, in row-major order, that is out of range. */
async function expectCodeRange(
  tensor: Tensor,
  [row, column, code, size]: readonly [number, number, number, number],
  kernel: string,
): Promise<void> {
  const error = await expectRejects(() => tensor.read(), CodeRangeError, kernel);
  const { message } = new CodeRangeError(row, column, code, size);
  expectThat(error.message === message, kernel, `expected "${message}", got "${error.message}"`);
}

/** Each kernel that assigns, on rows with one bad value. */
async function checkBadRow(
  backend: CompleteBackend,
  row: number,
  column: number,
  value: number,
): Promise<void> {
  const problem = makeProblem(SHAPE, 91);
  problem.x[row * 15 + column] = value;
  const { x, codebooks } = upload(backend, problem);
  for (const metric of ["l2", "ip"] as const) {
    // Under ip an engine has no use for the square of a large row.
    if (metric === "ip" && Number.isFinite(value)) continue;
    const name = `${metric} of rows with ${value} at row ${row}`;
    const one = backend.assign(x, codebooks, { metric });
    const few = backend.assignTopK(x, codebooks, 4, { metric });
    await expectNonFinite(one.codes, row, `assign ${name}, codes`);
    await expectNonFinite(one.distances, row, `assign ${name}, distances`);
    await expectNonFinite(few.codes, row, `assignTopK ${name}, codes`);
    await expectNonFinite(few.distances, row, `assignTopK ${name}, distances`);
  }
}

export const faultCases: readonly CaseDefinition[] = [
  {
    name: "faults: a row that is not finite, or whose square overflows, is named at read()",
    async body(backend) {
      for (const row of [0, 1, 37, 64, 101, 102]) await checkBadRow(backend, row, row % 15, NaN);
      for (const value of [Infinity, -Infinity, 1e25, -1e25]) {
        await checkBadRow(backend, 102, 14, value);
        await checkBadRow(backend, 5, 0, value);
      }
    },
  },
  {
    name: "faults: of several bad rows the first is named, counted in the tensor that was passed",
    async body(backend) {
      const problem = makeProblem(ONE_GROUP, 93);
      for (const row of [99, 71, 40, 102]) problem.x[row * 5 + 2] = NaN;
      const { x, codebooks } = upload(backend, problem);
      await expectNonFinite(backend.assign(x, codebooks).codes, 40, "assign of four bad rows");
      const part = backend.slice(x, 70, 103);
      await expectNonFinite(backend.assign(part, codebooks).codes, 1, "assign of a slice");
      const before = backend.slice(x, 0, 40);
      await backend.assign(before, codebooks).codes.read();
    },
  },
  {
    name: "faults: a bad row in a long matrix",
    async body(backend, { scale }) {
      const rows = Math.ceil(20_011 * Math.min(1, scale));
      const problem = makeProblem({ rows, groups: 1, codebookSize: 8, dimension: 3 }, 95);
      for (const row of [rows - 1, rows - 2]) problem.x[row * 3] = Infinity;
      const { x, codebooks } = upload(backend, problem);
      await expectNonFinite(backend.assign(x, codebooks).codes, rows - 2, "assign of many rows");
    },
  },
  {
    name: "faults: a codebook that is not finite names its codeword",
    async body(backend) {
      for (const value of [NaN, Infinity, 1e25]) {
        for (const codeword of [0, 17, 36]) {
          const problem = makeProblem(ONE_GROUP, 97);
          problem.codebooks[codeword * 5 + 4] = value;
          const { x, codebooks } = upload(backend, problem);
          const name = `of a codebook with ${value}`;
          const { codes, distances } = backend.assignTopK(x, codebooks, 2);
          await expectNonFinite(backend.assign(x, codebooks).codes, codeword, `assign ${name}`);
          await expectNonFinite(codes, codeword, `assignTopK ${name}, codes`);
          await expectNonFinite(distances, codeword, `assignTopK ${name}, distances`);
        }
      }
    },
  },
  {
    name: "faults: everything computed from a faulty tensor rejects with the same error; nothing else does",
    async body(backend) {
      const problem = makeProblem(SHAPE, 99);
      problem.x[55 * 15] = NaN;
      const { x, codebooks } = upload(backend, problem);
      const good = upload(backend, makeProblem(SHAPE, 99));
      const { codes, distances } = backend.assign(x, codebooks);
      const flat = backend.reshape(codes, [309]);
      const gathered = backend.gather(codebooks, codes);
      const sums = backend.clusterSums(good.x, codes, 37);
      const derived: Record<string, Tensor> = {
        gather: gathered,
        residual: backend.residual(good.x, codebooks, codes),
        "clusterSums, sums": sums.sums,
        "clusterSums, counts": sums.counts,
        combine: backend.combine(distances, distances, 1, 0),
        matmul: backend.matmul(distances, distances, { transposeA: true }),
        reshape: flat,
        slice: backend.slice(codes, 0, 1),
        take: backend.take(good.x, backend.slice(flat, 0, 3)),
        "take from faulty rows": backend.take(gathered, integers(backend, [0])),
        "assign of faulty rows": backend.assign(gathered, codebooks).codes,
        "residual with faulty parents": backend.residual(
          good.x,
          codebooks,
          good.codes,
          backend.slice(flat, 0, 103),
        ),
      };
      const healthy = backend.assign(good.x, codebooks);
      await backend.sync();
      codes.dispose();
      distances.dispose();
      for (const [name, tensor] of Object.entries(derived)) {
        await expectNonFinite(tensor, 55, `${name} after a faulty assign`);
      }
      await healthy.codes.read();
    },
  },
  {
    name: "faults: kernels that encode scalars name the row that is not finite",
    async body(backend) {
      for (const value of [NaN, Infinity, -Infinity]) {
        for (const [row, column] of [
          [0, 0],
          [37, 16],
          [101, 14],
          [102, 18],
        ] as const) {
          const x = new Float32Array(103 * 19);
          x[row * 19 + column] = value;
          x[102 * 19 + 18] = value;
          const rows = floats(backend, x, [103, 19]);
          const ones = floats(backend, new Float32Array(19).fill(1));
          const steps = floats(
            backend,
            Float32Array.from({ length: 19 }, (_, j) => j % 2),
          );
          const codes = backend.scalarEncode(rows, ones, steps, { bits: 4 });
          await expectNonFinite(codes, row, `scalarEncode of ${value}`);
          const counts = backend.thresholdEncode(rows, backend.reshape(ones, [1, 19]));
          await expectNonFinite(counts, row, `thresholdEncode of ${value}`);
          await expectNonFinite(backend.packSigns(rows), row, `packSigns of ${value}`);
          await expectNonFinite(
            backend.packSigns(rows, ones),
            row,
            `packSigns of ${value} with thresholds`,
          );
          const decoded = backend.scalarDecode(codes, ones, ones, { bits: 4 });
          await expectNonFinite(decoded, row, "scalarDecode of faulty codes");
        }
      }
    },
  },
  {
    name: "faults: the first code out of range is named by gather, residual and clusterSums",
    async body(backend) {
      for (const [row, column, code] of [
        [0, 0, 37],
        [102, 2, -1],
        [64, 1, 2 ** 31 - 1],
        [33, 2, -(2 ** 31)],
      ] as const) {
        const problem = makeProblem(SHAPE, 101);
        problem.codes[row * 3 + column] = code;
        problem.codes[102 * 3 + 2] = row === 102 ? code : 99;
        const { x, codebooks, codes } = upload(backend, problem);
        const where = [row, column, code, 37] as const;
        const sums = backend.clusterSums(x, codes, 37);
        await expectCodeRange(backend.gather(codebooks, codes), where, "gather");
        await expectCodeRange(backend.residual(x, codebooks, codes), where, "residual");
        await expectCodeRange(sums.sums, where, "clusterSums, sums");
        await expectCodeRange(sums.counts, where, "clusterSums, counts");
      }
    },
  },
  {
    name: "faults: an index or parent outside the rows",
    async body(backend) {
      const x = floats(backend, [1, 2, 3, 4, 5, 6], [3, 2]);
      const books = floats(backend, [0, 0], [1, 1, 2]);
      for (const bad of [3, -1, 2 ** 31 - 1, -(2 ** 31)]) {
        const indices = integers(backend, [0, bad, 2]);
        const codes = integers(backend, [0, 0, 0], [3, 1]);
        const taken = backend.take(x, indices);
        const left = backend.residual(x, books, codes, indices);
        await expectRejects(() => taken.read(), ArgumentError, `take of index ${bad}`);
        await expectRejects(() => left.read(), ArgumentError, `residual with parent ${bad}`);
      }
    },
  },
  {
    name: "faults: the backend works on after them",
    async body(backend) {
      const bad = floats(backend, [NaN, 1], [2, 1]);
      const books = floats(backend, [1, 2], [1, 2, 1]);
      for (let round = 0; round < 3; round++) {
        const faulty = backend.assign(bad, books);
        await expectNonFinite(faulty.codes, 0, "assign");
        faulty.codes.dispose();
        const { codes } = backend.assign(floats(backend, [2, 1], [2, 1]), books);
        expectExact(await codes.read(), [1, 0], [2, 1], "assign after a fault");
      }
    },
  },
];
