import type { TrainingBackend } from "./training-backend.js";
import type { QuantizedLevels, QuantizeOptions } from "./training.js";
import type { Tensor } from "./tensor.js";

/**
 * {@link TrainingKernels.quantizeLevels} composed of other kernels, with codes that are chosen level by level.
 *
 * @param choose codes `[n, g]` of a level's residuals `[n, g·d]` and codebooks `[g, k, d]`
 */
export function quantizeLevelsBy(
  backend: TrainingBackend,
  z: Tensor<"float32">,
  codebooks: Tensor<"float32">,
  sizes: readonly number[],
  choose: (left: Tensor<"float32">, codebooks: Tensor<"float32">, level: number) => Tensor<"int32">,
  options: QuantizeOptions = {},
): QuantizedLevels {
  const { groups = 1, pullWeights, sums, sumWeights } = options;
  return backend.scope(() => {
    const [rows, width] = z.shape as [number, number];
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const books = backend.reshape(codebooks, [total, width]);
    const target = sums && backend.reshape(sums, [total, width]);
    const codes = backend.zeros([sizes.length, rows, groups], "int32");
    const distances = backend.zeros([sizes.length, rows, groups], "float32");
    const counts = backend.zeros([groups * total], "float32");
    const slices = [rows * groups, width / groups];
    const none = backend.zeros(slices, "float32");
    let output = backend.zeros([rows, width], "float32");
    let pull = backend.zeros([rows, width], "float32");
    let left = z;
    let start = 0;
    sizes.forEach((size, l) => {
      const shape = [groups, size, width / groups];
      const book = backend.reshape(backend.slice(books, start, start + size), shape);
      const chosen = choose(left, book, l);
      left = backend.residual(left, book, chosen);
      output = backend.combine(output, backend.gather(book, chosen), 1, 1);
      pull = backend.combine(pull, left, 1, pullWeights?.[l] ?? 1);
      const found = backend.clusterSums(left, chosen, size);
      const { losses } = backend.reconstructionLoss(backend.reshape(left, slices), none, {
        kind: "squared",
        weight: 1,
      });
      const place = [1, rows, groups];
      backend.write(backend.slice(codes, l, l + 1), backend.reshape(chosen, place));
      backend.write(backend.slice(distances, l, l + 1), backend.reshape(losses, place));
      const end = start + size;
      const held = backend.slice(counts, groups * start, groups * end);
      backend.write(held, backend.reshape(found.counts, [groups * size]));
      if (target) {
        const weighted = backend.combine(found.sums, found.sums, sumWeights?.[l] ?? 1, 0);
        const flat = backend.reshape(weighted, [size, width]);
        backend.write(backend.slice(target, start, end), flat);
      }
      start = end;
    });
    return { codes, distances, output, pull, counts };
  });
}
