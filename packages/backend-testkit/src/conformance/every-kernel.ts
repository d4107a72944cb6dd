import type { CompleteBackend, DType, Tensor, TypedArrays } from "@tessera/core";
import { gaussianMatrix, randomCodes } from "../generators.js";
import { floats, integers, matrixTensor, upload, type Problem } from "./problems.js";
import { trainingKernels, trainingRowKernels } from "./training/every-kernel.js";

/** Results by name, on the host. */
export type Results = ReadonlyMap<string, TypedArrays[DType]>;

/** Runs the kernels whose row i depends on row i of the problem alone. */
export async function runRowKernels(backend: CompleteBackend, problem: Problem): Promise<Results> {
  const results = backend.scope(() => rowKernels(backend, problem));
  return readAll(results);
}

/** Runs every kernel. */
export async function runEveryKernel(backend: CompleteBackend, problem: Problem): Promise<Results> {
  const results = backend.scope(() => {
    const { codebookSize, rows } = problem;
    const { x, codebooks, codes } = upload(backend, problem);
    const weights = floats(
      backend,
      Float32Array.from({ length: rows }, (_, i) => (i % 7) / 3),
    );
    const plain = backend.clusterSums(x, codes, codebookSize);
    const weighted = backend.clusterSums(x, codes, codebookSize, weights);
    return {
      ...rowKernels(backend, problem),
      "clusterSums, sums": plain.sums,
      "clusterSums, counts": plain.counts,
      "clusterSums with weights, sums": weighted.sums,
      "clusterSums with weights, counts": weighted.counts,
      "matmul, both transposed": backend.matmul(x, x, { transposeA: true }),
      ...trainingKernels(backend, x, codebooks, codebookSize),
      ...scanKernels(backend, problem, Math.min(rows, 3), rows),
    };
  });
  return readAll(results);
}

function rowKernels(backend: CompleteBackend, problem: Problem): Record<string, Tensor> {
  const { rows, groups, codebookSize, dimension } = problem;
  const { x, codebooks, codes } = upload(backend, problem);
  const cols = groups * dimension;
  const near = backend.assign(x, codebooks);
  const aligned = backend.assign(x, codebooks, { metric: "ip" });
  const few = backend.assignTopK(x, codebooks, Math.min(5, codebookSize));
  const weights = matrixTensor(backend, gaussianMatrix(cols, 29, { seed: 111 }));
  const turned = matrixTensor(backend, gaussianMatrix(3, cols, { seed: 112 }));
  const bias = floats(backend, gaussianMatrix(1, 29, { seed: 113 }).data);
  const lower = floats(backend, gaussianMatrix(1, cols, { seed: 114, mean: -2 }).data);
  const step = floats(backend, new Float32Array(cols).fill(0.02));
  const bytes = backend.scalarEncode(x, lower, step);
  const order = integers(
    backend,
    Array.from({ length: rows }, (_, i) => i),
  );
  return {
    "assign l2, codes": near.codes,
    "assign l2, distances": near.distances,
    "assign ip, codes": aligned.codes,
    "assign ip, distances": aligned.distances,
    "assignTopK, codes": few.codes,
    "assignTopK, distances": few.distances,
    gather: backend.gather(codebooks, codes),
    residual: backend.residual(x, codebooks, codes),
    "residual with parents": backend.residual(x, codebooks, codes, order),
    "matmul + bias + relu": backend.matmul(x, weights, { bias, activation: "relu" }),
    "matmul, b transposed": backend.matmul(x, turned, { transposeB: true }),
    combine: backend.combine(x, x, 0.3, 0.4),
    take: backend.take(x, order),
    "scalarEncode, 8 bits": bytes,
    "scalarEncode, 4 bits": backend.scalarEncode(x, lower, step, { bits: 4 }),
    scalarDecode: backend.scalarDecode(bytes, lower, step),
    thresholdEncode: backend.thresholdEncode(x, turned, { bits: 2 }),
    packSigns: backend.packSigns(x, lower),
    ...beamKernels(backend, problem),
    ...trainingRowKernels(backend, x, codebooks),
    ...scanKernels(backend, problem, rows, codebookSize),
  };
}

/** Scans for the first `queries` rows of the problem, over all its rows or over `count` others. */
function scanKernels(
  backend: CompleteBackend,
  problem: Problem,
  queries: number,
  count: number,
): Record<string, Tensor> {
  const { rows, groups, dimension, x } = problem;
  const cols = groups * dimension;
  const asked = floats(backend, x.subarray(0, queries * cols), [queries, cols]);
  const all = count === rows ? x : gaussianMatrix(count, cols, { seed: 115 }).data;
  const held = floats(backend, all, [count, cols]);
  // The table of a query repeats its row.
  const tables = Float32Array.from({ length: queries * 96 }, (_, i) => {
    const entry = i % 96;
    return x[Math.floor(i / 96) * cols + (entry % cols)]! * Math.cos(entry);
  });
  const bytes = (size: number, seed: number): Uint8Array =>
    Uint8Array.from(randomCodes(size, 1, 256, { seed }));
  const found = {
    scanRows: backend.scanRows?.(asked, held, 7),
    scanTables: backend.scanTables?.(
      floats(backend, tables, [queries, 6, 16]),
      backend.tensor(bytes(Math.ceil(count / 32) * 96, 117), [Math.ceil(count / 32), 3, 32]),
      7,
      { rows: count },
    ),
    scanBits: backend.scanBits?.(backend.packSigns(asked), backend.packSigns(held), 7),
  };
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, result]) =>
      result
        ? [
            [`${name} of ${count} rows, indices`, result.indices],
            [`${name} of ${count} rows, distances`, result.distances],
          ]
        : [],
    ),
  );
}

/** Two levels of the first group's rows and codebook, with and without a beam. */
function beamKernels(backend: CompleteBackend, problem: Problem): Record<string, Tensor> {
  if (!backend.beamSearch) return {};
  const { rows, codebookSize, dimension } = problem;
  const x = floats(backend, firstGroup(problem), [rows, dimension]);
  const codebook = problem.codebooks.subarray(0, codebookSize * dimension);
  const levels = [1, 0.5].map((scale) =>
    floats(
      backend,
      codebook.map((value) => scale * value),
      [1, codebookSize, dimension],
    ),
  );
  const results: Record<string, Tensor> = {};
  for (const beam of [1, 3]) {
    const { codes, distances } = backend.beamSearch(x, levels, beam);
    levels.forEach((_, l) => {
      const name = `beamSearch(${beam}), level ${l + 1}`;
      results[`${name}, codes`] = backend.slice(codes, l, l + 1);
      results[`${name}, distances`] = backend.slice(distances, l, l + 1);
    });
  }
  return results;
}

function firstGroup({ x, rows, groups, dimension }: Problem): Float32Array {
  const cols = groups * dimension;
  return Float32Array.from(
    { length: rows * dimension },
    (_, i) => x[Math.floor(i / dimension) * cols + (i % dimension)]!,
  );
}

async function readAll(tensors: Record<string, Tensor>): Promise<Results> {
  const names = Object.keys(tensors);
  const values = await Promise.all(names.map((name) => tensors[name]!.read()));
  for (const tensor of Object.values(tensors)) tensor.dispose();
  return new Map(names.map((name, i) => [name, values[i]!]));
}
