import { type CompleteBackend, type Tensor, throwIfAborted } from "@tessera/core";
import { procrustes } from "../linear/polar.js";

/** The rows that a rotation is learned from. */
export interface Problem {
  readonly backend: CompleteBackend;
  /** Centred rows `[n, d]`. */
  readonly x: Tensor<"float32">;
  /** Others, for a fair judgement of what was learned. */
  readonly heldOut: Tensor<"float32">;
  readonly signal: AbortSignal | undefined;
}

/** A rotation, codebooks of the rotated rows, and their codes. */
export interface Candidate {
  /** R `[d, d]` */
  readonly rotation: Tensor<"float32">;
  /** `[groups, codebookSize, d / groups]` */
  readonly codebooks: Tensor<"float32">;
  /** `[n, groups]`, assigned before the codewords last moved. */
  readonly codes: Tensor<"int32">;
  /** Mean over the held-out rows of the squared L2 error. */
  readonly distortion: number;
}

/** Frees a candidate's tensors. */
export function release({ rotation, codebooks, codes }: Candidate): void {
  rotation.dispose();
  codebooks.dispose();
  codes.dispose();
}

/**
 * k-means in all groups under one rotation.
 *
 * @param rotation the candidate's from now on; freed if this fails
 * @param start the codebooks to begin with, `[groups, codebookSize, d / groups]`
 */
export async function settle(
  problem: Problem,
  rotation: Tensor<"float32">,
  start: Tensor<"float32">,
  iterations: number,
): Promise<Candidate> {
  const { backend, x, heldOut, signal } = problem;
  const kept: Tensor[] = [rotation];
  const y = backend.matmul(x, rotation, { transposeB: true });
  try {
    let codebooks = start;
    let codes: Tensor<"int32"> | undefined;
    for (let iteration = 0; iteration < iterations; iteration++) {
      throwIfAborted(signal);
      const before = kept.splice(1);
      codes = backend.scope(() => backend.assign(y, codebooks).codes);
      kept.push(codes);
      const next = await moveToMeans(backend, y, codes, codebooks).finally(() => {
        for (const tensor of before) tensor.dispose();
      });
      kept.push(next);
      codebooks = next;
    }
    const distortion = await distortionOf(backend, heldOut, rotation, codebooks);
    return { rotation, codebooks, codes: codes!, distortion };
  } catch (error) {
    for (const tensor of kept) tensor.dispose();
    throw error;
  } finally {
    y.dispose();
  }
}

/**
 * One round of the alternation (Ge et al. 2013, section 3.2; Norouzi and Fleet 2013): the rotation that brings the rows
 * closest to what the candidate's codes stand for, and an iteration of k-means under it. Neither raises the distortion of
 * the rows that are learned from. The candidate stays as it is.
 */
export async function alternate(problem: Problem, candidate: Candidate): Promise<Candidate> {
  const { backend, x } = problem;
  const { rotation, codebooks, codes } = candidate;
  const product = backend.scope(() =>
    backend.matmul(backend.gather(codebooks, codes), x, { transposeA: true }),
  );
  const next = await procrustes(backend, product, rotation).finally(() => product.dispose());
  return settle(problem, next, codebooks, 1);
}

/** Each codeword at the mean of its rows; one without rows stays where it is. */
async function moveToMeans(
  backend: CompleteBackend,
  y: Tensor<"float32">,
  codes: Tensor<"int32">,
  codebooks: Tensor<"float32">,
): Promise<Tensor<"float32">> {
  const size = codebooks.shape[1]!;
  const width = codebooks.shape[2]!;
  const reads = backend.scope(() => {
    const { sums, counts } = backend.clusterSums(y, codes, size);
    return { all: Promise.all([sums.read(), counts.read(), codebooks.read()]) };
  });
  const [sums, counts, codewords] = await reads.all;
  counts.forEach((count, k) => {
    if (count === 0) return;
    for (let at = k * width; at < (k + 1) * width; at++) codewords[at] = sums[at]! / count;
  });
  return backend.tensor(codewords, codebooks.shape);
}

/** Mean over the rows of the squared L2 distance to their codewords. */
async function distortionOf(
  backend: CompleteBackend,
  rows: Tensor<"float32">,
  rotation: Tensor<"float32">,
  codebooks: Tensor<"float32">,
): Promise<number> {
  const { read } = backend.scope(() => {
    const y = backend.matmul(rows, rotation, { transposeB: true });
    return { read: backend.assign(y, codebooks).distances.read() };
  });
  let sum = 0;
  for (const distance of await read) sum += distance;
  return sum / rows.shape[0]!;
}
