import {
  type Codes,
  type CompleteBackend,
  type Matrix,
  sliceRows,
  type Tensor,
  throwIfAborted,
} from "@tessera/core";

/** Iterations of conjugate gradients at most; some ten reach the tolerance. */
const ITERATIONS = 30;
/** Where the residual of the normal equations ends, as a share of the right-hand side. Less changes no figure. */
const TOLERANCE = 1e-2;
/** Values of a batch on the device: 16 MiB. */
const BATCH_VALUES = 2 ** 22;

export interface LeastSquaresOptions {
  readonly backend: CompleteBackend;
  /** λ, in rows: how many rows a codeword's present place counts for. More than 0. */
  readonly ridge: number;
  /** One codebook for all levels, times the scale of each: then C is that codebook. */
  readonly scales?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * All codebooks at once, for given codes: the codewords C that minimize `‖X − B·C‖² + λ·‖C − C₀‖²`, where B `[n, ΣK]` has a
 * one for each code and C₀ are the present codewords (Babenko and Lempitsky 2014, "Additive quantization for extreme vector
 * compression", section 3.2, with a ridge as in Martinez et al. 2018, here about C₀, so that a codeword of few rows stays
 * where it is).
 *
 * The normal equations `(BᵀB + λI)·(C − C₀) = Bᵀ(X − B·C₀)` are solved by conjugate gradients with the diagonal as
 * preconditioner. BᵀB, which holds how often each two codes occur together, is not formed: a product with it adds up
 * codewords by row and rows by code, for n·L·d additions. The recurrences are in float64 on the host; the products are
 * float32, of differences alone, so they cost the codewords no digits.
 *
 * @param rows `[n, d]`
 * @param codes `[n, L]`
 * @param codebooks L of `[K, d]`; with `scales`, one
 * @returns the codebooks, anew
 */
export async function leastSquares(
  rows: Matrix,
  codes: Codes,
  codebooks: readonly Matrix[],
  { backend, ridge, scales, signal }: LeastSquaresOptions,
): Promise<Matrix[]> {
  const d = rows.cols;
  const unknowns = scales
    ? sharedUnknowns(codebooks[0]!.rows, scales)
    : separateUnknowns(codebooks.map((codebook) => codebook.rows));
  const { sizes } = unknowns;
  const batches = upload(backend, codes, sizes.length, d);
  try {
    const product = async (values: Float64Array, x?: Matrix): Promise<Float64Array> =>
      unknowns.gather(
        await normalProduct(backend, batches, sizes, unknowns.spread(values, d), d, x),
        1,
      );
    const start = join(codebooks);
    const gradient = await product(start, rows);
    const diagonal = unknowns.gather(countsOf(codes, sizes), 2).map((count) => count + ridge);
    const moved = await conjugateGradients(gradient, diagonal, d, async (direction) => {
      throwIfAborted(signal);
      const left = await product(direction);
      for (let i = 0; i < left.length; i++) left[i] = ridge * direction[i]! - left[i]!;
      return left;
    });
    let at = 0;
    return codebooks.map(({ data, rows: size }) => ({
      data: data.map((value) => value + moved[at++]!),
      rows: size,
      cols: d,
    }));
  } finally {
    for (const tensor of batches.flatMap((batch) => batch.codes)) tensor.dispose();
  }
}

/** Solves A·x = b for d columns at once; they share A, and so the steps. */
async function conjugateGradients(
  b: Float64Array,
  diagonal: Float64Array,
  d: number,
  times: (direction: Float64Array) => Promise<Float64Array>,
): Promise<Float64Array> {
  const x = new Float64Array(b.length);
  const r = b.slice();
  const z = new Float64Array(b.length);
  const direction = new Float64Array(b.length);
  /** z = r / diagonal; returns r·z. */
  const precondition = (): number => {
    let product = 0;
    for (let k = 0, at = 0; k < diagonal.length; k++) {
      const scale = 1 / diagonal[k]!;
      for (const end = at + d; at < end; at++) {
        const value = r[at]!;
        z[at] = value * scale;
        product += value * value * scale;
      }
    }
    return product;
  };
  let squares = precondition();
  direction.set(z);
  const enough = TOLERANCE ** 2 * squares;
  for (let iteration = 0; iteration < ITERATIONS && squares > enough; iteration++) {
    const product = await times(direction);
    const alpha = squares / dot(direction, product);
    for (let i = 0; i < x.length; i++) {
      x[i]! += alpha * direction[i]!;
      r[i]! -= alpha * product[i]!;
    }
    const next = precondition();
    const beta = next / squares;
    squares = next;
    for (let i = 0; i < x.length; i++) direction[i] = z[i]! + beta * direction[i]!;
  }
  return x;
}

interface CodeBatch {
  readonly start: number;
  readonly end: number;
  /** `[end − start, 1]` of each level */
  readonly codes: readonly Tensor<"int32">[];
}

function upload(backend: CompleteBackend, codes: Codes, levels: number, d: number): CodeBatch[] {
  const size = Math.max(1, Math.floor(BATCH_VALUES / d));
  const batches: CodeBatch[] = [];
  for (let start = 0; start < codes.rows; start += size) {
    const end = Math.min(codes.rows, start + size);
    batches.push({
      start,
      end,
      codes: Array.from({ length: levels }, (_, l) => {
        const column = new Int32Array(end - start);
        for (let i = start; i < end; i++) column[i - start] = codes.data[i * levels + l]!;
        return backend.tensor(column, [end - start, 1]);
      }),
    });
  }
  return batches;
}

/** Bᵀ(X − B·C), `[ΣK, d]`, in batches; X is 0 if left out. */
async function normalProduct(
  backend: CompleteBackend,
  batches: readonly CodeBatch[],
  sizes: readonly number[],
  codebooks: readonly Float32Array[],
  d: number,
  rows?: Matrix,
): Promise<Float64Array> {
  const total = new Float64Array(sizes.reduce((sum, size) => sum + size * d, 0));
  const books = codebooks.map((data, l) => backend.tensor(data, [1, sizes[l]!, d]));
  try {
    for (const { start, end, codes } of batches) {
      const { sums } = backend.scope(() => {
        let left = rows
          ? backend.tensor(sliceRows(rows, start, end).data, [end - start, d])
          : backend.zeros([end - start, d], "float32");
        books.forEach((book, l) => {
          const next = backend.residual(left, book, codes[l]!);
          left.dispose();
          left = next;
        });
        return {
          sums: sizes.map((size, l) => backend.clusterSums(left, codes[l]!, size).sums),
        };
      });
      const reads = Promise.all(sums.map((tensor) => tensor.read()));
      for (const tensor of sums) tensor.dispose();
      let at = 0;
      for (const part of await reads) {
        for (let i = 0; i < part.length; i++) total[at++]! += part[i]!;
      }
    }
  } finally {
    for (const book of books) book.dispose();
  }
  return total;
}

/** Rows of each codeword, level after level. */
function countsOf(codes: Codes, sizes: readonly number[]): Float64Array {
  const starts = sizes.map((_, l) => sizes.slice(0, l).reduce((sum, size) => sum + size, 0));
  const counts = new Float64Array(sizes.reduce((sum, size) => sum + size, 0));
  for (let i = 0; i < codes.data.length; i++) {
    counts[starts[i % starts.length]! + codes.data[i]!]!++;
  }
  return counts;
}

/** What is solved for, and how the codebooks of the levels follow from it. */
interface Unknowns {
  /** Of the levels' codebooks. */
  readonly sizes: readonly number[];
  /** The codebooks of the levels, in float32. */
  spread(values: Float64Array, d: number): Float32Array[];
  /** Its transpose for sums by codeword, level after level, with each scale to the given power. */
  gather(sums: Float64Array, power: 1 | 2): Float64Array;
}

function separateUnknowns(sizes: readonly number[]): Unknowns {
  return {
    sizes,
    spread(values, d) {
      let at = 0;
      return sizes.map((size) => Float32Array.from(values.subarray(at, (at += size * d))));
    },
    gather: (sums) => sums,
  };
}

function sharedUnknowns(size: number, scales: readonly number[]): Unknowns {
  return {
    sizes: scales.map(() => size),
    spread: (values) => scales.map((scale) => Float32Array.from(values, (value) => scale * value)),
    gather(sums, power) {
      const all = new Float64Array(sums.length / scales.length);
      scales.forEach((scale, l) => {
        const factor = scale ** power;
        for (let i = 0; i < all.length; i++) all[i]! += factor * sums[l * all.length + i]!;
      });
      return all;
    },
  };
}

function join(codebooks: readonly Matrix[]): Float64Array {
  const joined = new Float64Array(codebooks.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of codebooks) {
    joined.set(data, at);
    at += data.length;
  }
  return joined;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
