import { type CompleteBackend, Random } from "@tessera/core";
import type { Work } from "./by-size.js";

/** Samples grow until one takes this long: by then a GPU is busy, and what a call costs by itself is small beside it. */
const ENOUGH_SECONDS = 0.02;
const FIRST_ROWS = 256;
/** Values of a sample, and of its codebook, at most: 16 MiB each. */
const MOST_VALUES = 2 ** 22;

/**
 * Seconds that work takes on a backend, from a sample of made-up rows: their upload, the search, and reading the codes.
 *
 * @param ample an answer below this need not be exact; small samples overrate what a call costs, so it is less in truth
 */
export async function secondsFor(backend: CompleteBackend, work: Work, ample = 0): Promise<number> {
  const { dimension, passes = 1 } = work;
  const codewords = Math.min(work.codebookSize, Math.max(1, Math.floor(MOST_VALUES / dimension)));
  const most = Math.min(work.rows, Math.max(1, Math.floor(MOST_VALUES / dimension)));
  const random = new Random(0);
  const codebook = Float32Array.from({ length: codewords * dimension }, () => random.uniform());
  const books = backend.tensor(codebook, [1, codewords, dimension]);
  try {
    let rows = Math.min(FIRST_ROWS, most);
    // The first call compiles kernels.
    await timeSample(backend, sample(rows), books);
    for (;;) {
      const seconds = await timeSample(backend, sample(rows), books);
      const all = (seconds / rows) * work.rows * passes * (work.codebookSize / codewords);
      if (seconds >= ENOUGH_SECONDS || rows === most || all < ample) return all;
      rows = Math.min(most, 4 * rows);
    }
  } finally {
    books.dispose();
  }

  /** Rows about codewords, as those of a fitted model are: engines that rule codewords out early may do so. */
  function sample(rows: number): Float32Array {
    return Float32Array.from({ length: rows * dimension }, (_, i) => {
      const codeword = Math.floor(i / dimension) % codewords;
      return codebook[codeword * dimension + (i % dimension)]! + 0.5 * random.uniform();
    });
  }
}

async function timeSample(
  backend: CompleteBackend,
  values: Float32Array,
  codebooks: Parameters<CompleteBackend["assign"]>[1],
): Promise<number> {
  const dimension = codebooks.shape[2]!;
  const start = performance.now();
  const x = backend.tensor(values, [values.length / dimension, dimension]);
  const { codes, distances } = backend.assign(x, codebooks);
  try {
    await codes.read();
    return (performance.now() - start) / 1000;
  } finally {
    for (const tensor of [x, codes, distances]) tensor.dispose();
  }
}
