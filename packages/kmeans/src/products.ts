import type { CompleteBackend, Matrix } from "@tessera/core";

/** Inner products of all rows with some of them: that of row i with the c-th is `values[starts[c] + i · stride]`. */
export interface Products {
  readonly values: Float32Array;
  readonly starts: readonly number[];
  readonly stride: number;
}

export interface ProductSource {
  with(rows: readonly number[]): Products | Promise<Products>;
  dispose(): void;
}

/** Up to this many products of all rows with all are computed ahead: 64 MiB. */
const HELD_PRODUCTS = 2 ** 24;
/** Products that the device holds at a time meanwhile. */
const DEVICE_PRODUCTS = 2 ** 20;

/**
 * The inner products of rows with one another: of few rows all at once, at the speed of a large matrix product; of many
 * those that are asked for.
 *
 * @param held the most products to keep
 */
export async function openProducts(
  backend: CompleteBackend,
  rows: Matrix,
  held: number = HELD_PRODUCTS,
): Promise<ProductSource> {
  const { data, cols } = rows;
  const n = rows.rows;
  const x = backend.borrow(data, [n, cols]);
  if (n * n > held) {
    return {
      async with(chosen) {
        const values = new Float32Array(chosen.length * cols);
        chosen.forEach((row, c) =>
          values.set(data.subarray(row * cols, (row + 1) * cols), c * cols),
        );
        const { read } = backend.scope(() => {
          const c = backend.tensor(values, [chosen.length, cols]);
          return { read: backend.matmul(x, c, { transposeB: true }).read() };
        });
        return { values: await read, starts: [...chosen.keys()], stride: chosen.length };
      },
      dispose: () => x.dispose(),
    };
  }
  const values = new Float32Array(n * n);
  try {
    const size = Math.ceil(DEVICE_PRODUCTS / n);
    for (let start = 0; start < n; start += size) {
      const end = Math.min(n, start + size);
      const { read } = backend.scope(() => ({
        read: backend.matmul(backend.slice(x, start, end), x, { transposeB: true }).read(),
      }));
      values.set(await read, start * n);
    }
  } finally {
    x.dispose();
  }
  return {
    with: (chosen) => ({ values, starts: chosen.map((row) => row * n), stride: 1 }),
    dispose: () => undefined,
  };
}
