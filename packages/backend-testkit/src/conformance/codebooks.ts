import { randomCodes } from "../generators.js";
import {
  referenceClusterSums,
  referenceGather,
  referenceResidual,
} from "../reference/codebooks.js";
import { expectClose, expectExact, readAs, showShape } from "./assertions.js";
import type { CompleteBackend } from "@tessera/core";
import type { CaseDefinition, Settings } from "./case.js";
import {
  floats,
  integers,
  makeProblem,
  problemShapes,
  upload,
  type Problem,
  type ProblemShape,
} from "./problems.js";

/** A difference is rounded once; only an engine that flushes may be off by more. */
async function checkResidual(
  backend: CompleteBackend,
  problem: Problem,
  settings: Settings,
  parents?: Int32Array,
): Promise<void> {
  const { x, codebooks, codes, groups, dimension } = problem;
  const rows = codes.length / groups;
  const tensors = upload(backend, { ...problem, codes: new Int32Array(problem.rows * groups) });
  const result = backend.residual(
    tensors.x,
    tensors.codebooks,
    integers(backend, codes, [rows, groups]),
    parents && integers(backend, parents),
  );
  const shape = [rows, groups * dimension];
  const name = parents ? `residual with parents in 0..${problem.rows - 1}` : "residual";
  const expected = Float32Array.from(referenceResidual(x, codebooks, codes, problem, parents));
  const bound = settings.flushesSubnormals ? settings.smallest : 0;
  expectClose(await readAs(result, "float32", shape, name), expected, () => bound, shape, name);
}

/** Sums and counts within 2⁻²⁰ · Σ|wᵢxᵢ| and 2⁻²⁰ · Σ|wᵢ| of the exact ones. */
async function checkClusterSums(
  backend: CompleteBackend,
  problem: Problem,
  settings: Settings,
  weights?: Float32Array,
): Promise<void> {
  const { x, codes, groups, codebookSize, dimension } = problem;
  const tensors = upload(backend, problem);
  const result = backend.clusterSums(
    tensors.x,
    tensors.codes,
    codebookSize,
    weights && floats(backend, weights),
  );
  const name = `clusterSums of ${showShape([problem.rows, groups * dimension])}${weights ? " with weights" : ""}`;
  const sumShape = [groups, codebookSize, dimension];
  const countShape = [groups, codebookSize];
  const sums = await readAs(result.sums, "float32", sumShape, `${name}, sums`);
  const counts = await readAs(result.counts, "float32", countShape, `${name}, counts`);
  const exact = referenceClusterSums(x, codes, problem, weights);
  const absolute = referenceClusterSums(x.map(Math.abs), codes, problem, weights?.map(Math.abs));
  const boundBy = (terms: Float64Array) => (i: number) => 2 ** -20 * terms[i]! + settings.smallest;
  expectClose(sums, exact.sums, boundBy(absolute.sums), sumShape, `${name}, sums`);
  // Without weights, counts are integers below 2²⁴ here, and exact.
  const countBound = weights ? boundBy(absolute.counts) : () => 0;
  expectClose(counts, exact.counts, countBound, countShape, `${name}, counts`);
}

function weightsFor(rows: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, i) => (i % 5) / 3);
}

export const codebookCases: readonly CaseDefinition[] = [
  {
    name: "gather: copies codewords bit for bit",
    async body(backend, settings) {
      for (const shape of problemShapes(settings)) {
        const problem = makeProblem(shape, 31);
        const { codebooks, codes } = upload(backend, problem);
        const dims = [shape.rows, shape.groups * shape.dimension];
        const got = await readAs(backend.gather(codebooks, codes), "float32", dims, "gather");
        const expected = referenceGather(problem.codebooks, problem.codes, problem);
        expectExact(got, expected, dims, `gather of codebooks ${showShape(codebooks.shape)}`);
      }
    },
  },
  {
    name: "residual: row minus codeword, rounded once",
    async body(backend, settings) {
      for (const shape of problemShapes(settings)) {
        await checkResidual(backend, makeProblem(shape, 37), settings);
      }
    },
  },
  {
    name: "residual: parents may repeat, go backwards, and be more or fewer than the rows",
    async body(backend, settings) {
      const shape: ProblemShape = { rows: 43, groups: 2, codebookSize: 11, dimension: 5 };
      for (const count of [0, 1, 17, 43, 129]) {
        const codes = randomCodes(count, 2, 11, { seed: 41 });
        const parents = randomCodes(count, 1, 43, { seed: 42 });
        await checkResidual(backend, { ...makeProblem(shape, 43), codes }, settings, parents);
      }
    },
  },
];

export const clusterCases: readonly CaseDefinition[] = [
  {
    name: "clusterSums: sums and counts on every shape, with and without weights",
    async body(backend, settings) {
      for (const shape of problemShapes(settings)) {
        const problem = makeProblem(shape, 47);
        await checkClusterSums(backend, problem, settings);
        await checkClusterSums(backend, problem, settings, weightsFor(shape.rows));
      }
    },
  },
  {
    name: "clusterSums: codewords without rows have sum and count 0",
    async body(backend) {
      const x = floats(backend, [1, 2, 3, 4], [2, 2]);
      const codes = integers(backend, [2, 2], [2, 1]);
      const { sums, counts } = backend.clusterSums(x, codes, 4);
      expectExact(await sums.read(), [0, 0, 0, 0, 4, 6, 0, 0], [1, 4, 2], "clusterSums, sums");
      expectExact(await counts.read(), [0, 0, 2, 0], [1, 4], "clusterSums, counts");
    },
  },
  {
    name: "clusterSums: keeps its accuracy when one cluster has nearly all rows",
    async body(backend, settings) {
      const shape = { groups: 1, codebookSize: 3, dimension: 2 };
      const rows = Math.ceil(100_003 * Math.min(1, settings.scale));
      const problem = makeProblem({ ...shape, rows }, 53);
      // All of one sign and far from 0, the sum outgrows its terms a hundred thousand times.
      for (let i = 0; i < problem.x.length; i++) problem.x[i] = 7.3 + 0.1 * problem.x[i]!;
      const codes = problem.codes.map((_, i) => (i % 50_000 === 7 ? 2 : 1));
      await checkClusterSums(backend, { ...problem, codes }, settings);
      await checkClusterSums(backend, { ...problem, codes }, settings, weightsFor(rows));
    },
  },
];
