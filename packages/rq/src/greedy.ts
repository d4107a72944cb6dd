import type { CompleteBackend, Tensor } from "@tessera/core";
import type { DeviceEncoder, VqModel } from "@tessera/vq";

/** Uploads the codebooks of all levels, `[1, K, d]` each. */
export function uploadCodebooks(
  backend: CompleteBackend,
  levels: readonly VqModel[],
): Tensor<"float32">[] {
  return backend.scope(() =>
    levels.map(({ codebook: { data, rows, cols } }) => backend.tensor(data, [1, rows, cols])),
  );
}

/** Greedy encoding: each level takes its nearest codeword. The residuals never leave the device. */
export function openGreedy(backend: CompleteBackend, levels: readonly VqModel[]): DeviceEncoder {
  const codebooks = uploadCodebooks(backend, levels);
  return {
    // The rows, and the residuals before and after a level.
    valuesPerRow: 3 * levels[0]!.dimension,
    async encode(x) {
      const codes = backend.scope(() => {
        let residual = x;
        return levels.map(({ spec }, l) => {
          const assigned = backend.assign(residual, codebooks[l]!, {
            metric: spec.metric === undefined ? "l2" : "ip",
          });
          if (l + 1 < levels.length) {
            const next = backend.residual(residual, codebooks[l]!, assigned.codes);
            if (residual !== x) residual.dispose();
            residual = next;
          }
          return assigned.codes;
        });
      });
      const reads = Promise.all(codes.map((tensor) => tensor.read()));
      for (const tensor of codes) tensor.dispose();
      return interleave(await reads);
    },
    dispose: () => codebooks.forEach((codebook) => codebook.dispose()),
  };
}

/** Columns of codes as rows, `[n, columns]`. */
export function interleave(columns: readonly ArrayLike<number>[]): Int32Array {
  const rows = columns[0]!.length;
  const codes = new Int32Array(rows * columns.length);
  columns.forEach((column, j) => {
    for (let i = 0; i < rows; i++) codes[i * columns.length + j] = column[i]!;
  });
  return codes;
}
