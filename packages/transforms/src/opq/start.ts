import type { CompleteBackend, Matrix, SymmetricEigen, Tensor } from "@tessera/core";
import { allocateComponents } from "./allocate.js";

/**
 * The rotations to start from: none, for rows whose dimensions come in a good order; and the principal components dealt to
 * the groups, which is best for Gaussian rows.
 *
 * @returns R `[d, d]` each
 */
export function startingRotations(
  { values, vectors }: SymmetricEigen,
  groups: number,
): Float32Array[] {
  const d = values.length;
  const none = new Float32Array(d * d);
  for (let i = 0; i < d; i++) none[i * d + i] = 1;
  const balanced = new Float32Array(d * d);
  allocateComponents(values, groups).forEach((component, i) => {
    balanced.set(vectors.subarray(component * d, (component + 1) * d), i * d);
  });
  return [none, balanced];
}

/**
 * The first rows, rotated, as codewords of every group.
 *
 * @returns `[groups, codebookSize, d / groups]`
 */
export async function startingCodebooks(
  backend: CompleteBackend,
  rows: Matrix,
  rotation: Tensor<"float32">,
  { groups, codebookSize }: { readonly groups: number; readonly codebookSize: number },
): Promise<Tensor<"float32">> {
  const { data, cols: d } = rows;
  const { read } = backend.scope(() => {
    const x = backend.tensor(data.subarray(0, codebookSize * d), [codebookSize, d]);
    return { read: backend.matmul(x, rotation, { transposeB: true }).read() };
  });
  const rotated = await read;
  const width = d / groups;
  const codebooks = new Float32Array(rotated.length);
  for (let m = 0, to = 0; m < groups; m++) {
    for (let k = 0; k < codebookSize; k++, to += width) {
      const from = k * d + m * width;
      codebooks.set(rotated.subarray(from, from + width), to);
    }
  }
  return backend.tensor(codebooks, [groups, codebookSize, width]);
}
