import type { DType, DTypeOf, Tensor, TensorData } from "./tensor.js";
import type { TrainingKernels } from "./training.js";

/**
 * The compute backend: a small, closed set of coarse kernels on device tensors.
 *
 * What every backend promises, and `@tessera/backend-testkit` checks:
 *
 * - **In-order queue.** A kernel validates its arguments, enqueues, and returns tensors at once. Kernels take effect in
 *   the order in which they were called. Only `read()` waits. Nothing blocks the calling thread for long.
 * - **Errors.** Wrong shapes and types throw at the call ({@link ShapeError}, {@link ArgumentError}). What only the data
 *   can show (a row that is not finite, a code out of range) surfaces from `read()` of the result, and of everything
 *   computed from it, as the typed error.
 * - **Numbers.** float32. The lowest index wins a tie. Codes equal those of the float64 reference wherever the best two
 *   distances differ by more than {@link tieTolerance}. A row's result does not depend on the rows around it, nor on the
 *   number of threads; sums are taken in an order that depends on the shapes alone. Two runs give the same bits.
 * - **Empty input.** Any extent may be 0 unless stated; the result is then empty or zero.
 *
 * A method marked optional may be left out: {@link completeBackend} composes it from the others. The families that
 * training and search add (optimizer steps, look-up-table scans, Hamming distances) join this interface in the same
 * way, as optional methods with a composed fallback where there can be one, so a backend written today stays valid.
 * Those of training are in {@link TrainingKernels}; a backend that lacks them encodes and decodes all the same.
 */
export interface ComputeBackend extends Partial<TrainingKernels> {
  readonly info: BackendInfo;

  /** Copies host data to the device. `shape` defaults to one dimension. */
  tensor<A extends TensorData>(data: A, shape?: readonly number[]): Tensor<DTypeOf<A>>;
  /**
   * Like {@link tensor}, but the backend may read the host data in place instead of copying them, so large inputs are held
   * once. Until the tensor and all that shares its storage are disposed and what was enqueued by then has run, the data
   * must not change and their buffer must not be transferred.
   */
  borrow?<A extends TensorData>(data: A, shape?: readonly number[]): Tensor<DTypeOf<A>>;
  zeros<D extends DType>(shape: readonly number[], dtype: D): Tensor<D>;
  /** Rows `start..end` of the first axis. Shares the storage, which lives until both are disposed. */
  slice<D extends DType>(tensor: Tensor<D>, start: number, end: number): Tensor<D>;
  /** The same values under another shape of the same size. Shares the storage. */
  reshape<D extends DType>(tensor: Tensor<D>, shape: readonly number[]): Tensor<D>;
  /** Runs `body` (not async) and disposes every tensor made in it, except those in what it returns. */
  scope<T>(body: () => T): T;
  /** Live tensors and their bytes, for leak checks. Slices and reshapes count as tensors without bytes of their own. */
  memory(): { tensors: number; bytes: number };
  /** Resolves once everything enqueued so far has run. Errors stay with the tensors that they belong to. */
  sync(): Promise<void>;
  /** Frees the device, its threads and all tensors. Pending reads reject with {@link DisposedError}. */
  dispose(): void;

  /**
   * The `count` nearest codewords of each row in each group, nearest first; equal distances by index.
   *
   * @param x `[n, g·d]`
   * @param codebooks `[g, k, d]`, k ≥ 1
   * @param count 1..min(k, 256)
   * @returns codes and distances, both `[n, g, count]`
   */
  assignTopK(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    count: number,
    options?: AssignOptions,
  ): Assignment;

  /**
   * The nearest codeword of each row in each group. Never holds an n × k matrix.
   *
   * @returns codes and distances, both `[n, g]`
   */
  assign?(x: Tensor<"float32">, codebooks: Tensor<"float32">, options?: AssignOptions): Assignment;

  /**
   * The codes of each row under a residual quantizer, by beam search: level l extends each candidate choice of codewords
   * for the levels before it by every codeword, and keeps the `beam` candidates with the least ‖x − Σ c‖², equals by
   * candidate, then by code. The last level keeps the best one. The candidate of greedy encoding, which takes the nearest
   * codeword at each level, stays a candidate whatever the others are, in the last place if need be.
   *
   * Where no choice of a row's search is closer than {@link beamTolerance}, its codes are those of the float64 reference.
   * Small integers give exact ties.
   *
   * A backend without it is not given one: the other kernels cannot choose candidates without a read. `@tessera/rq` reads.
   *
   * @param x `[n, d]`
   * @param codebooks one or more, `[1, k, d]` each, k in 1..2²⁴
   * @param beam 1..256; 1 is greedy encoding, `assign` and `residual` in turn, and as close as they are
   */
  beamSearch?(
    x: Tensor<"float32">,
    codebooks: readonly Tensor<"float32">[],
    beam: number,
  ): BeamCodes;

  /**
   * Codewords by code: row i is `concat over g of codebooks[g, codes[i, g]]`. A code outside 0..k−1 is a
   * {@link CodeRangeError} at `read()`.
   *
   * @param codes `[n, g]`
   * @returns `[n, g·d]`
   */
  gather(codebooks: Tensor<"float32">, codes: Tensor<"int32">): Tensor<"float32">;

  /**
   * What the codes leave over: `x[parent(i)] − gather(codebooks, codes)[i]`.
   *
   * @param x `[m, g·d]`
   * @param codes `[n, g]`
   * @param parents `[n]`, the row of `x` that each row of codes belongs to (a beam has several); without it, m = n and
   *   row i belongs to row i
   * @returns `[n, g·d]`
   */
  residual?(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    codes: Tensor<"int32">,
    parents?: Tensor<"int32">,
  ): Tensor<"float32">;

  /**
   * Per group and code, the (weighted) sum of the rows and their (weighted) count: the sufficient statistics of k-means.
   *
   * Each element is within 2⁻²⁰ · Σ|wᵢxᵢ| of the exact sum.
   *
   * @param x `[n, g·d]`
   * @param codes `[n, g]`, each in 0..k−1, else {@link CodeRangeError} at `read()`
   * @param weights `[n]`, 1 each if left out
   * @returns sums `[g, k, d]`, counts `[g, k]`
   */
  clusterSums(
    x: Tensor<"float32">,
    codes: Tensor<"int32">,
    codebookSize: number,
    weights?: Tensor<"float32">,
  ): ClusterSums;

  /**
   * `activation(op(a) · op(b) + bias)`, where op transposes if asked.
   *
   * @param a `[m, k]`, or `[k, m]` with `transposeA`
   * @param b `[k, n]`, or `[n, k]` with `transposeB`
   * @returns `[m, n]`
   */
  matmul(a: Tensor<"float32">, b: Tensor<"float32">, options?: MatmulOptions): Tensor<"float32">;

  /** Element by element, `alpha · a + beta · b`, for tensors of one shape. */
  combine(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    alpha: number,
    beta: number,
  ): Tensor<"float32">;

  /**
   * Rows by index: row i of the result is row `indices[i]` of `x`. An index outside the rows is an
   * {@link ArgumentError} at `read()`.
   *
   * @param x `[m, d]`
   * @param indices `[n]`
   * @returns `[n, d]`
   */
  take(x: Tensor<"float32">, indices: Tensor<"int32">): Tensor<"float32">;

  /**
   * Uniform scalar quantization: the code of x[i, j] is the integer nearest to `(x[i, j] − lower[j]) / step[j]`, clamped
   * to 0..levels−1. Halfway between two integers either will do, and so it will within {@link scalarTolerance} of that.
   * A step of 0, or below the smallest normal float32, gives code 0. A row that is not finite is a
   * {@link NonFiniteError} at `read()`; `lower` and `step` must be finite, which the caller sees to.
   *
   * Codes lie one after another in their row, each in `bits` bits, least significant bit first; the row is then filled
   * up to whole bytes with zeros. That is the layout of `Codes.pack()` and of faiss.
   *
   * Required, as are {@link scalarDecode} and {@link thresholdEncode}: no other kernels make or read bytes.
   *
   * @param x `[n, d]`
   * @param lower `[d]`
   * @param step `[d]`, from 0
   * @returns `[n, ceil(d·bits / 8)]`
   */
  scalarEncode(
    x: Tensor<"float32">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    options?: ScalarEncodeOptions,
  ): Tensor<"uint8">;

  /**
   * `lower[j] + code · step[j]`, within 2⁻²³ · (|lower[j]| + code · |step[j]|) of the exact value. Every byte is valid:
   * the bits after the last code of a row are ignored.
   *
   * Signs are decoded with `bits` 1, a `lower` of −1 and a `step` of 2.
   *
   * @param codes `[n, ceil(d·bits / 8)]`, laid out as {@link scalarEncode} does
   * @param lower `[d]`
   * @param step `[d]`
   * @returns `[n, d]`
   */
  scalarDecode(
    codes: Tensor<"uint8">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    options?: ScalarOptions,
  ): Tensor<"float32">;

  /**
   * Scalar quantization to cells of any width: the code of x[i, j] is the number of the thresholds of column j that it
   * exceeds, exactly (`x > threshold`). Codes are laid out as those of {@link scalarEncode}. A row that is not finite is
   * a {@link NonFiniteError} at `read()`.
   *
   * Required, for the reason that {@link scalarEncode} is.
   *
   * @param x `[n, d]`
   * @param thresholds `[m, d]`, m in 1..2^bits − 1, in any order
   * @returns `[n, ceil(d·bits / 8)]`
   */
  thresholdEncode(
    x: Tensor<"float32">,
    thresholds: Tensor<"float32">,
    options?: ScalarOptions,
  ): Tensor<"uint8">;

  /**
   * One bit per value: 1 where `x[i, j] > thresholds[j]`, as {@link thresholdEncode} in 1 bit gives it.
   *
   * @param x `[n, d]`
   * @param thresholds `[d]`, 0 each if left out
   * @returns `[n, ceil(d / 8)]`
   */
  packSigns?(x: Tensor<"float32">, thresholds?: Tensor<"float32">): Tensor<"uint8">;

  /**
   * The `count` rows nearest to each query: exact search, and search over a block of decoded rows.
   *
   * The distance is ‖q − row‖², or −q·row under `ip`, computed directly as by {@link assign}; with `scales` and `offsets`,
   * `scales[i] · that + offsets[i]`. Where rows come at distances that differ by less than {@link scanTolerance}, times the
   * scale, any of them may be chosen. A query or row that is not finite is a {@link NonFiniteError} at `read()`; `scales` and
   * `offsets` must be finite, which the caller sees to.
   *
   * The scans are optional and are not composed for a backend without them, since other kernels cannot carry what was
   * found from one block to the next without a read: `@tessera/search` then scans on the host.
   *
   * @param queries `[q, d]`
   * @param rows `[n, d]`
   * @param count 1..{@link MAX_NEIGHBOURS}
   */
  scanRows?(
    queries: Tensor<"float32">,
    rows: Tensor<"float32">,
    count: number,
    options?: ScanRowsOptions,
  ): Neighbours;

  /**
   * Asymmetric search: the distance of row i is `Σ over m of tables[q, m, codes(i, m)]`, summed in float32 in the order of
   * m, and with `scales` and `offsets`, `scales[i] · that + offsets[i]`, then with `probes` + its bias, each step rounded. So
   * the result is the same to the bit on every backend.
   *
   * Codes come in blocks of 32 rows, transposed: byte b of row i is `blocks[floor(i / 32), b, i mod 32]`, which is what
   * lanes read side by side. With k = 16 two codes share a byte, the even column in the low half, and B = ceil(m / 2);
   * with k = 256, B = m. What the last block has beyond n is ignored.
   *
   * @param tables `[q, m, k]`, k 16 or 256, finite
   * @param blocks `[ceil(n / 32), B, 32]`
   * @param count 1..{@link MAX_NEIGHBOURS}
   */
  scanTables?(
    tables: Tensor<"float32">,
    blocks: Tensor<"uint8">,
    count: number,
    options: ScanTablesOptions,
  ): Neighbours;

  /**
   * The rows whose bits differ from each query's in the fewest places; the distance is that number.
   *
   * @param queries `[q, B]`
   * @param codes `[n, B]`
   * @param count 1..{@link MAX_NEIGHBOURS}
   */
  scanBits?(
    queries: Tensor<"uint8">,
    codes: Tensor<"uint8">,
    count: number,
    options?: ScanOptions,
  ): Neighbours;
}

/** The most rows that a scan returns for a query. */
export const MAX_NEIGHBOURS = 4096;

/** The kernels that a backend may leave out for good, since no other kernels amount to them. */
type Unreplaced = "beamSearch" | "scanRows" | "scanTables" | "scanBits" | keyof TrainingKernels;

/** A backend with every optional kernel in place, save those which no other kernels amount to. */
export type CompleteBackend = Required<Omit<ComputeBackend, Unreplaced>> &
  Pick<ComputeBackend, Unreplaced>;

export interface BackendInfo {
  /** Short name, such as `cpu-wasm`. */
  readonly name: string;
  /** What it runs on, for people: `AMD EPYC, 2 threads, wasm SIMD`. */
  readonly device: string;
  /** Names of the engine's optional features that are in use, such as `relaxed-simd` or `threads`. */
  readonly features: readonly string[];
  readonly threads: number;
  /** The most bytes that one tensor may have. */
  readonly maxTensorBytes: number;
  /** Why this engine and not a faster one, where there is something to say. */
  readonly reason?: string;
}

export interface AssignOptions {
  /**
   * `l2`: smallest squared Euclidean distance (the default). `ip`: largest inner product; the distance returned is its
   * negative. Cosine is `ip` with unit-norm codewords.
   */
  readonly metric?: "l2" | "ip";
}

export interface Assignment {
  readonly codes: Tensor<"int32">;
  /** Of the chosen codewords, computed directly as Σ(x − c)², not by expanding the square; −x·c under `ip`. */
  readonly distances: Tensor<"float32">;
}

export interface BeamCodes {
  /** `[levels, n]`: what `residual` and `gather` take for a level is a slice. */
  readonly codes: Tensor<"int32">;
  /** `[levels, n]`: Σ(x − c₁ − … − c_l)², computed directly, subtracting one codeword after another. */
  readonly distances: Tensor<"float32">;
}

/** What a scan found, nearest first; equal distances by index. Places without a row hold index −1 and +Infinity. */
export interface Neighbours {
  /** `[q, count]` */
  readonly indices: Tensor<"int32">;
  /** `[q, count]` */
  readonly distances: Tensor<"float32">;
}

export interface ScanOptions {
  /** `[ceil(n / 8)]`: row i takes part where bit i mod 8 of byte floor(i / 8) is 1. All rows, if left out. */
  readonly allowed?: Tensor<"uint8">;
  /** What earlier calls found, of the same queries and count: the result is the best of both. */
  readonly found?: Neighbours;
  /** Index of the first row of this call, for calls that scan one block of rows after another; below 2³¹ − n. Default 0. */
  readonly firstIndex?: number;
}

export interface ScanRowsOptions extends ScanOptions {
  readonly metric?: "l2" | "ip";
  /** `[n]` */
  readonly scales?: Tensor<"float32">;
  /** `[n]` */
  readonly offsets?: Tensor<"float32">;
}

export interface ScanTablesOptions extends ScanOptions {
  /** Number of rows, n. */
  readonly rows: number;
  /** `[n]` */
  readonly scales?: Tensor<"float32">;
  /** `[n]` */
  readonly offsets?: Tensor<"float32">;
  /** The stretches of rows that each query visits, as inverted lists; all rows, if left out. */
  readonly probes?: Probes;
}

/**
 * Query i visits, for each p, the rows `starts[i, p] .. ends[i, p]`, to whose distances it adds `biases[i, p]`. A stretch
 * may be empty; rows in several stretches of a query are found once for each.
 */
export interface Probes {
  /** `[q, p]`, multiples of 32 from 0, else an {@link ArgumentError} at `read()` */
  readonly starts: Tensor<"int32">;
  /** `[q, p]`, not below the starts and not above n, else an {@link ArgumentError} at `read()` */
  readonly ends: Tensor<"int32">;
  /** `[q, p]` */
  readonly biases: Tensor<"float32">;
}

export interface ClusterSums {
  readonly sums: Tensor<"float32">;
  readonly counts: Tensor<"float32">;
}

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** `[n]`, added to every row. */
  readonly bias?: Tensor<"float32">;
  readonly activation?: "none" | "relu";
}

export interface ScalarOptions {
  /** Bits that a code takes. Default 8. */
  readonly bits?: 1 | 2 | 4 | 8;
}

export interface ScalarEncodeOptions extends ScalarOptions {
  /** Number of codes, 2..2^bits. Default 2^bits. */
  readonly levels?: number;
}

/**
 * How close to halfway between two codes a value must be before a backend may choose either.
 *
 * `x − lower`, the inverse of the step, which some GPUs round to 2.5 units, and their product are off by at most 2⁻²¹
 * of their value in all.
 *
 * @param position `(x − lower) / step`, exact and clamped to the codes
 */
export function scalarTolerance(position: number): number {
  return 2 ** -21 * position;
}

/**
 * How close two distances from a row to two codewords must be before a backend may prefer either.
 *
 * The expanded form ½‖c‖² − x·c in float32 is off by at most about (d + 2)·2⁻²⁴·(‖x‖·‖c‖ + ½‖c‖²) per codeword, twice
 * that as a squared distance; two codewords are compared, and products below the smallest normal number round to
 * multiples of 2⁻¹⁴⁹. The factor 4 covers both.
 *
 * @param d dimension of a codeword
 * @param rowNorm ‖x‖ of the row's slice
 * @param codewordNorm the larger of the two ‖c‖
 */
export function tieTolerance(d: number, rowNorm: number, codewordNorm: number): number {
  return (
    4 * (d + 2) * (2 ** -24 * (rowNorm * codewordNorm + codewordNorm * codewordNorm) + 2 ** -149)
  );
}

/**
 * How close the distances of two rows to a query must be before a scan may prefer either.
 *
 * As {@link tieTolerance}, but ‖q‖² is part of the distances that are compared.
 *
 * @param d dimension
 * @param queryNorm ‖q‖
 * @param rowNorm the larger of the two norms
 */
export function scanTolerance(d: number, queryNorm: number, rowNorm: number): number {
  return 4 * (d + 2) * (2 ** -24 * (queryNorm + rowNorm) ** 2 + 2 ** -149);
}

/**
 * How close the squared errors of two candidates must be before a beam search may prefer either.
 *
 * Sums of inner products stand for the errors. With S the sum of the codeword norms, one candidate's are off by at most
 * about (d + 2·levels + 2)·2⁻²⁴·S·(‖x‖ + S), twice that as a squared error; two candidates are compared, and each vector
 * may be measured from a point that is off the mean of the first codebook by their deviation from it.
 *
 * @param d dimension of a codeword
 * @param rowNorm distance of the row from the mean of the first codebook
 * @param codewordNorms of each level, the largest norm; of the first level, the largest distance from its mean
 */
export function beamTolerance(
  d: number,
  rowNorm: number,
  codewordNorms: readonly number[],
): number {
  const longest = 2 * codewordNorms.reduce((sum, norm) => sum + norm, 0);
  const terms = d + 2 * codewordNorms.length + 2;
  return 4 * terms * (2 ** -24 * longest * (rowNorm + longest) + codewordNorms.length * 2 ** -149);
}
