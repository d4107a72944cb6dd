import { Random, type CompleteBackend, type Tensor } from "@tessera/core";
import type { BenchmarkCase, PreparedCase } from "./case.js";

/** The kernels by themselves, on data that are on the backend already. */
export function kernelCases(rows: number, dimension: number): BenchmarkCase[] {
  return [
    assign(rows, dimension, 256),
    assign(rows, dimension, 1024),
    assign(rows, dimension, 256, 16),
    assignTopK(rows, dimension, 256, 5),
    clusterSums(rows, dimension, 256),
    matmul(4096, 512, 256),
    matmul(1024, 64, 256),
  ];
}

function assign(rows: number, dimension: number, codebookSize: number, groups = 1): BenchmarkCase {
  const product = groups === 1 ? "" : `M=${groups} `;
  return {
    name: `assign ${rows}×${dimension}, ${product}K=${codebookSize}`,
    work: 2 * rows * codebookSize * dimension,
    setup: (backend) => {
      const x = uniform(backend, [rows, dimension], "x");
      const codebooks = uniform(backend, [groups, codebookSize, dimension / groups], "codebooks");
      return prepared([x, codebooks], () => {
        const { codes, distances } = backend.assign(x, codebooks);
        distances.dispose();
        return codes;
      });
    },
  };
}

function assignTopK(
  rows: number,
  dimension: number,
  codebookSize: number,
  count: number,
): BenchmarkCase {
  return {
    name: `assignTopK ${rows}×${dimension}, K=${codebookSize}, count ${count}`,
    work: 2 * rows * codebookSize * dimension,
    setup: (backend) => {
      const x = uniform(backend, [rows, dimension], "x");
      const codebooks = uniform(backend, [1, codebookSize, dimension], "codebooks");
      return prepared([x, codebooks], () => {
        const { codes, distances } = backend.assignTopK(x, codebooks, count);
        distances.dispose();
        return codes;
      });
    },
  };
}

function clusterSums(rows: number, dimension: number, codebookSize: number): BenchmarkCase {
  return {
    name: `clusterSums ${rows}×${dimension}, K=${codebookSize}`,
    work: rows * dimension,
    setup: (backend) => {
      const x = uniform(backend, [rows, dimension], "x");
      const random = new Random(1).stream("codes");
      const codes = backend.tensor(
        Int32Array.from({ length: rows }, () => random.integer(codebookSize)),
        [rows, 1],
      );
      return prepared([x, codes], () => {
        const { sums, counts } = backend.clusterSums(x, codes, codebookSize);
        sums.dispose();
        return counts;
      });
    },
  };
}

function matmul(rows: number, inner: number, columns: number): BenchmarkCase {
  return {
    name: `matmul ${rows}×${inner} · ${inner}×${columns}`,
    work: 2 * rows * inner * columns,
    setup: (backend) => {
      const a = uniform(backend, [rows, inner], "a");
      const b = uniform(backend, [inner, columns], "b");
      return prepared([a, b], () => backend.matmul(a, b));
    },
  };
}

/** A case that reads the result of `enqueue` and frees it. */
function prepared(inputs: readonly Tensor[], enqueue: () => Tensor): PreparedCase {
  return {
    run: async () => {
      const result = enqueue();
      await result.read();
      result.dispose();
    },
    dispose: () => {
      for (const input of inputs) input.dispose();
    },
  };
}

function uniform(
  backend: CompleteBackend,
  shape: readonly number[],
  name: string,
): Tensor<"float32"> {
  const random = new Random(1).stream(name);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = Float32Array.from({ length: size }, () => random.uniform() * 2 - 1);
  return backend.tensor(values, shape);
}
