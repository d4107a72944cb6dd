import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  checkFinite,
  type CompleteBackend,
  type ComputeBackend,
  printSpec,
  Random,
  type Rows,
  sampleRows,
  SpecError,
  ShapeError,
  type Tensor,
  throwIfAborted,
  withSampledRows,
  type WorkOptions,
} from "@tessera/core";
import {
  procrustes,
  randomOrthogonal,
  restoreRotation,
  RotationTransform,
  type TransformPart,
} from "@tessera/transforms";

export interface ItqOptions extends WorkOptions {
  /** Rounds of the alternation. Default 50, as in the paper. */
  readonly iterations?: number | undefined;
  /** Learn from at most this many rows, drawn at random. Default 65,536, or 2²³ / d if that is fewer. */
  readonly sample?: number | undefined;
  /** Seed of every random choice. Default 0. */
  readonly seed?: number | undefined;
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

type ItqRotation = RotationTransform<{ readonly kind: "itq" }>;

const ITERATIONS = 50;
const SAMPLE_ROWS = 65_536;
const SAMPLE_VALUES = 2 ** 23;
/** Values of the rows that are rotated at a time, few enough to stay in a CPU's cache. */
const BLOCK_VALUES = 2 ** 18;

/**
 * Learns the rotation of iterative quantization (Gong and Lazebnik 2011, "Iterative quantization: a procrustean approach to
 * learning binary codes"), under which rows lie as close to the corners of a cube as they can. From a random rotation it
 * alternates between the signs B of the rotated rows, and the rotation R that brings the rows closest to them: the
 * orthogonal Procrustes problem min ‖B − V·Rᵀ‖.
 *
 * @param rows V `[n, d]`, centred; principal components, as `itq64` has them
 * @throws {ArgumentError} for an option out of range
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitItqRotation(rows: Rows, options: ItqOptions = {}): Promise<ItqRotation> {
  const { iterations = ITERATIONS, sample = SAMPLE_ROWS, seed = 0, signal } = options;
  for (const [name, value] of Object.entries({ iterations, sample })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ArgumentError(`${name} is ${value}; it must be an integer from 1`);
    }
  }
  const random = new Random(seed).stream("itq");
  const drawn = await sampleRows(rows, sample, random.stream("sample"), signal);
  return withSampledRows(drawn, async () => {
    const { data, rows: n, cols: d } = drawn.matrix;
    if (n === 0) throw new ShapeError("there are no rows to fit on");
    checkFinite(drawn.matrix);
    const start = Float32Array.from(await randomOrthogonal(d, random.stream("rotation"), signal));
    const backend = await resolveBackend(options.backend);
    // The first rows of a sample are as random as any.
    const used = Math.min(n, Math.max(1, Math.floor(SAMPLE_VALUES / d)));
    const x = backend.tensor(data.subarray(0, used * d), [used, d]);
    let rotation = backend.tensor(start, [d, d]);
    try {
      for (let round = 1; round <= iterations; round++) {
        throwIfAborted(signal);
        const next = await improve(backend, x, rotation);
        rotation.dispose();
        rotation = next;
        await options.onProgress?.({ task: "itq rotation", done: round, total: iterations });
      }
      const learned = await rotation.read();
      return new RotationTransform({ kind: "itq" }, { data: learned, rows: d, cols: d });
    } finally {
      x.dispose();
      rotation.dispose();
    }
  });
}

/** The rotation that brings the rows closest to their signs under the one before it. */
async function improve(
  backend: CompleteBackend,
  x: Tensor<"float32">,
  rotation: Tensor<"float32">,
): Promise<Tensor<"float32">> {
  const [n, d] = [x.shape[0]!, x.shape[1]!];
  const size = Math.max(1, Math.floor(BLOCK_VALUES / d));
  const product = backend.scope(() => {
    const lower = backend.tensor(new Float32Array(d).fill(-1));
    const step = backend.tensor(new Float32Array(d).fill(2));
    let sum = backend.zeros([d, d], "float32");
    for (let start = 0; start < n; start += size) {
      sum = backend.scope(() => {
        const rows = backend.slice(x, start, Math.min(n, start + size));
        const rotated = backend.matmul(rows, rotation, { transposeB: true });
        const signs = backend.scalarDecode(backend.packSigns(rotated), lower, step, { bits: 1 });
        return backend.combine(sum, backend.matmul(signs, rows, { transposeA: true }), 1, 1);
      });
    }
    return sum;
  });
  try {
    return await procrustes(backend, product, rotation);
  } finally {
    product.dispose();
  }
}

/** The rotation of {@link fitItqRotation}, for the signs that follow; give it to `createTransformedPart`. */
export const itqPart: TransformPart<"itq"> = {
  kind: "itq",
  check({ quantizer }) {
    if (quantizer.kind === "sign") return;
    throw new SpecError(`itq stands before ${printSpec(quantizer)}, which takes no signs`, {
      hint: "put sign after it, as in pca64>itq>sign, for which itq64 is short",
    });
  },
  fit(_, rows, { options, seed }) {
    const { backend, signal, onProgress, iterations } = options;
    return fitItqRotation(rows, { backend, signal, onProgress, iterations, seed });
  },
  restore: restoreRotation,
};
