import { resolveBackend } from "@tessera/backend";
import { batchesOf, type Matrix, type Tensor, throwIfAborted } from "@tessera/core";
import type { TransformOptions } from "./contract.js";

/** Values of a block on the device: 16 MiB. */
const BLOCK_VALUES = 2 ** 22;

/**
 * rows · matrixᵀ, or with `transpose` rows · matrix, block by block on the backend. A block is uploaded while the one
 * before it is still being computed.
 *
 * @param rows `[n, k]`
 * @param matrix `[m, k]`, or `[k, m]` with `transpose`
 * @returns `[n, m]`
 */
export async function multiplyRows(
  rows: Matrix,
  matrix: Matrix,
  { transpose, backend: chosen, signal }: TransformOptions & { readonly transpose: boolean },
): Promise<Matrix> {
  const cols = transpose ? matrix.cols : matrix.rows;
  const product = { data: new Float32Array(rows.rows * cols), rows: rows.rows, cols };
  const backend = await resolveBackend(chosen);
  const factor = backend.tensor(matrix.data, [matrix.rows, matrix.cols]);
  const size = Math.max(1, Math.floor(BLOCK_VALUES / Math.max(rows.cols, cols)));
  let at = 0;
  const store = async (read: Promise<Float32Array>): Promise<void> => {
    const values = await read;
    product.data.set(values, at);
    at += values.length;
    throwIfAborted(signal);
  };
  let ahead: Promise<Float32Array> | undefined;
  try {
    for await (const block of batchesOf(rows, size, signal)) {
      const next = readOf(
        backend.scope(() => {
          const x = backend.tensor(block.data, [block.rows, block.cols]);
          return backend.matmul(x, factor, { transposeB: !transpose });
        }),
      );
      if (ahead) await store(ahead);
      ahead = next;
    }
    if (ahead) await store(ahead);
  } finally {
    factor.dispose();
  }
  return product;
}

/** Reads a tensor and frees it. */
export function readOf(tensor: Tensor<"float32">): Promise<Float32Array> {
  const read = tensor.read();
  tensor.dispose();
  // Whoever awaits this may be stopped by another error first; that must not leave a rejection unhandled.
  read.catch(() => undefined);
  return read;
}
