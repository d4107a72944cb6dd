import {
  allocate,
  ArgumentError,
  type AssignOptions,
  bytesPerElement,
  CodeRangeError,
  type ComputeBackend,
  DisposedError,
  disposeSymbol,
  type DType,
  type DTypeOf,
  type MatmulOptions,
  NonFiniteError,
  type ScalarEncodeOptions,
  type ScalarOptions,
  sizeOf,
  type Tensor,
  type TensorData,
  TensorLedger,
  TesseraError,
  type TypedArrays,
} from "@tessera/core";
import * as check from "@tessera/core/arguments";

type Floats = Tensor<"float32">;

/** A tensor whose values lie on the host. */
class ToyTensor<D extends DType> implements Tensor<D> {
  readonly owner: ToyTensors;
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly size: number;
  readonly values: TypedArrays[D];
  /** What kept the values from being computed. */
  fault: TesseraError | undefined;
  disposed = false;

  constructor(owner: ToyTensors, dtype: D, shape: readonly number[], values: TypedArrays[D]) {
    this.owner = owner;
    this.dtype = dtype;
    this.shape = [...shape];
    this.size = sizeOf(shape);
    this.values = values;
  }

  async read(): Promise<TypedArrays[D]> {
    if (this.disposed) throw new DisposedError("a tensor");
    await undefined; // A device answers later, and may be disposed before it does.
    if (this.owner.disposed) throw new DisposedError("the backend");
    if (this.fault) throw this.fault;
    return this.values.slice() as TypedArrays[D];
  }

  dispose(): void {
    this.disposed = true;
    this.owner.ledger.remove(this);
  }

  [disposeSymbol](): void {
    this.dispose();
  }
}

/** What holds tensors. */
class ToyTensors {
  readonly ledger = new TensorLedger();
  disposed = false;

  tensor<A extends TensorData>(data: A, shape: readonly number[] = [data.length]) {
    const dtype = check.checkData(data, shape) as DType;
    return this.make(dtype, shape, data.slice()) as Tensor<DType> as Tensor<DTypeOf<A>>;
  }
  zeros<D extends DType>(shape: readonly number[], dtype: D): ToyTensor<D> {
    check.checkZeros(shape, dtype);
    return this.make(dtype, shape);
  }
  slice<D extends DType>(tensor: Tensor<D>, start: number, end: number): Tensor<D> {
    const whole = this.own(tensor, "tensor", tensor.dtype);
    const { shape, offset } = check.checkSlice(tensor, start, end);
    return this.view(whole, shape, offset);
  }
  reshape<D extends DType>(tensor: Tensor<D>, shape: readonly number[]): Tensor<D> {
    const whole = this.own(tensor, "tensor", tensor.dtype);
    check.checkReshape(tensor, shape);
    return this.view(whole, shape, 0);
  }
  scope<T>(body: () => T): T {
    this.checkAlive();
    return this.ledger.scope(body);
  }
  memory() {
    return this.ledger.memory();
  }
  async sync(): Promise<void> {
    this.checkAlive();
  }
  dispose(): void {
    this.disposed = true;
    for (const tensor of this.ledger.tensors) tensor.dispose();
  }

  protected checkAlive(): void {
    if (this.disposed) throw new DisposedError("the backend");
  }
  /** An argument, once it is known to be a live tensor of this backend and of the right type. */
  protected own<D extends DType>(tensor: Tensor<D>, name: string, dtype: D): ToyTensor<D> {
    this.checkAlive();
    const mine = tensor instanceof ToyTensor && tensor.owner === this;
    check.checkTensor(tensor, mine, name, dtype);
    return tensor as ToyTensor<D>;
  }
  protected make<D extends DType>(
    dtype: D,
    shape: readonly number[],
    values: TensorData = allocate(dtype, sizeOf(shape)),
    bytes = sizeOf(shape) * bytesPerElement(dtype),
  ): ToyTensor<D> {
    this.checkAlive();
    const tensor = new ToyTensor(this, dtype, shape, values as TypedArrays[D]);
    this.ledger.add(tensor, bytes);
    return tensor;
  }
  private view<D extends DType>(
    { dtype, values, fault }: ToyTensor<D>,
    shape: readonly number[],
    offset: number,
  ): ToyTensor<D> {
    const part = this.make(dtype, shape, values.subarray(offset, offset + sizeOf(shape)), 0);
    part.fault = fault;
    return part;
  }
}

/** A backend in plain JavaScript: the required methods and nothing else. */
export class ToyBackend extends ToyTensors implements ComputeBackend {
  readonly info = {
    name: "toy",
    device: "plain JavaScript",
    features: [],
    threads: 1,
    maxTensorBytes: 2 ** 31,
  };

  assignTopK(x: Floats, codebooks: Floats, count: number, options?: AssignOptions) {
    const rows = this.own(x, "x", "float32");
    const books = this.own(codebooks, "codebooks", "float32");
    const shape = check.checkAssignTopK(x, codebooks, count, options);
    const { groups, codewords, dimension, metric } = shape;
    const codes = this.make("int32", [shape.rows, groups, count]);
    const distances = this.make("float32", codes.shape);
    const term =
      metric === "l2" ? (a: number, b: number) => (a - b) ** 2 : (a: number, b: number) => -a * b;
    run([rows, books], [codes, distances], () => {
      checkNorms(books.values, dimension, 1, "codebook");
      checkNorms(rows.values, dimension, groups, "input");
      const all = new Float64Array(codewords);
      for (let slice = 0; slice < shape.rows * groups; slice++) {
        const first = (slice % groups) * codewords;
        for (let code = 0; code < codewords; code++) {
          all[code] = 0;
          for (let i = 0; i < dimension; i++) {
            const value = rows.values[slice * dimension + i]!;
            all[code]! += term(value, books.values[(first + code) * dimension + i]!);
          }
        }
        for (let place = 0; place < count; place++) {
          // Of equal distances the lowest code comes first.
          const nearest = all.reduce(
            (best, distance, code) => (distance < all[best]! ? code : best),
            0,
          );
          codes.values[slice * count + place] = nearest;
          distances.values[slice * count + place] = all[nearest]!;
          all[nearest] = Infinity;
        }
      }
    });
    return { codes, distances };
  }

  gather(codebooks: Floats, codes: Tensor<"int32">) {
    const books = this.own(codebooks, "codebooks", "float32");
    const held = this.own(codes, "codes", "int32");
    const { rows, width, groups, codewords, dimension } = check.checkGather(codebooks, codes);
    const decoded = this.make("float32", [rows, width]);
    run([books, held], [decoded], () =>
      held.values.forEach((code, slice) => {
        checkCode(code, slice, groups, codewords);
        const start = ((slice % groups) * codewords + code) * dimension;
        decoded.values.set(books.values.subarray(start, start + dimension), slice * dimension);
      }),
    );
    return decoded;
  }

  clusterSums(x: Floats, codes: Tensor<"int32">, codebookSize: number, weights?: Floats) {
    const rows = this.own(x, "x", "float32");
    const held = this.own(codes, "codes", "int32");
    const weighting = weights && this.own(weights, "weights", "float32");
    const { groups, dimension } = check.checkClusterSums(x, codes, codebookSize, weights);
    const sums = this.make("float32", [groups, codebookSize, dimension]);
    const counts = this.make("float32", [groups, codebookSize]);
    run([rows, held, weighting], [sums, counts], () => {
      // Added up in float64: of many rows, float32 sums would leave the bound, and the suite finds it.
      const totals = new Float64Array(sums.size);
      const weightOf = new Float64Array(counts.size);
      held.values.forEach((code, slice) => {
        checkCode(code, slice, groups, codebookSize);
        const weight = weighting?.values[Math.floor(slice / groups)] ?? 1;
        const cluster = (slice % groups) * codebookSize + code;
        weightOf[cluster]! += weight;
        for (let i = 0; i < dimension; i++) {
          totals[cluster * dimension + i]! += weight * rows.values[slice * dimension + i]!;
        }
      });
      sums.values.set(totals);
      counts.values.set(weightOf);
    });
    return { sums, counts };
  }

  matmul(a: Floats, b: Floats, options: MatmulOptions = {}) {
    const left = this.own(a, "a", "float32");
    const right = this.own(b, "b", "float32");
    const bias = options.bias && this.own(options.bias, "bias", "float32");
    const { rows, inner, columns, ...how } = check.checkMatmul(a, b, options);
    const product = this.make("float32", [rows, columns]);
    run([left, right, bias], [product], () => {
      product.values.forEach((_, at) => {
        const [i, j] = [Math.floor(at / columns), at % columns];
        let sum = 0;
        for (let p = 0; p < inner; p++) {
          const factor = right.values[how.transposeB ? j * inner + p : p * columns + j]!;
          sum += left.values[how.transposeA ? p * rows + i : i * inner + p]! * factor;
        }
        sum += bias?.values[j] ?? 0;
        product.values[at] = how.activation === "relu" ? Math.max(0, sum) : sum;
      });
    });
    return product;
  }

  combine(a: Floats, b: Floats, alpha: number, beta: number) {
    const left = this.own(a, "a", "float32");
    const right = this.own(b, "b", "float32");
    check.checkCombine(a, b);
    const result = this.make("float32", a.shape);
    run([left, right], [result], () =>
      left.values.forEach((value, i) => {
        result.values[i] = alpha * value + beta * right.values[i]!;
      }),
    );
    return result;
  }

  take(x: Floats, indices: Tensor<"int32">) {
    const source = this.own(x, "x", "float32");
    const chosen = this.own(indices, "indices", "int32");
    const { rows, count, width } = check.checkTake(x, indices);
    const taken = this.make("float32", [count, width]);
    run([source, chosen], [taken], () =>
      chosen.values.forEach((row, i) => {
        if (row < 0 || row >= rows) {
          throw new ArgumentError(`index ${row} at position ${i} is outside the ${rows} rows`);
        }
        taken.values.set(source.values.subarray(row * width, (row + 1) * width), i * width);
      }),
    );
    return taken;
  }

  scalarEncode(x: Floats, lower: Floats, step: Floats, options?: ScalarEncodeOptions) {
    const rows = this.own(x, "x", "float32");
    const from = this.own(lower, "lower", "float32");
    const by = this.own(step, "step", "float32");
    const shape = check.checkScalarEncode(x, lower, step, options);
    return this.pack(rows, [from, by], shape, (value, j) => {
      if (by.values[j]! < 2 ** -126) return 0;
      const position = (value - from.values[j]!) / by.values[j]!;
      return Math.min(Math.max(Math.round(position), 0), shape.levels - 1);
    });
  }

  scalarDecode(codes: Tensor<"uint8">, lower: Floats, step: Floats, options?: ScalarOptions) {
    const bytes = this.own(codes, "codes", "uint8");
    const from = this.own(lower, "lower", "float32");
    const by = this.own(step, "step", "float32");
    const { rows, dimension, bits, width } = check.checkScalarDecode(codes, lower, step, options);
    const decoded = this.make("float32", [rows, dimension]);
    run([bytes, from, by], [decoded], () =>
      decoded.values.forEach((_, at) => {
        const [row, j] = [Math.floor(at / dimension), at % dimension];
        const byte = bytes.values[row * width + Math.floor((j * bits) / 8)]!;
        const code = (byte >> ((j * bits) % 8)) & (2 ** bits - 1);
        decoded.values[at] = from.values[j]! + code * by.values[j]!;
      }),
    );
    return decoded;
  }

  thresholdEncode(x: Floats, thresholds: Floats, options?: ScalarOptions) {
    const rows = this.own(x, "x", "float32");
    const limits = this.own(thresholds, "thresholds", "float32");
    const shape = check.checkThresholdEncode(x, thresholds, options);
    return this.pack(rows, [limits], shape, (value, j) => {
      let code = 0;
      for (let at = j; at < limits.size; at += shape.dimension) {
        if (value > limits.values[at]!) code++;
      }
      return code;
    });
  }

  /** The code of each value, `bits` bits each, least significant bit first. */
  private pack(
    x: ToyTensor<"float32">,
    others: readonly ToyTensor<"float32">[],
    {
      rows,
      dimension,
      bits,
      width,
    }: { rows: number; dimension: number; bits: number; width: number },
    codeOf: (value: number, column: number) => number,
  ): Tensor<"uint8"> {
    const bytes = this.make("uint8", [rows, width]);
    run([x, ...others], [bytes], () =>
      x.values.forEach((value, at) => {
        const [row, j] = [Math.floor(at / dimension), at % dimension];
        if (!Number.isFinite(value)) throw new NonFiniteError(row);
        const byte = row * width + Math.floor((j * bits) / 8);
        bytes.values[byte]! |= codeOf(value, j) << ((j * bits) % 8);
      }),
    );
    return bytes;
  }
}

/** Runs a kernel. A fault of its inputs, or one that it finds in them, waits in its outputs for `read()`. */
function run(
  inputs: readonly (ToyTensor<DType> | undefined)[],
  outputs: readonly ToyTensor<DType>[],
  kernel: () => void,
): void {
  let fault = inputs.find((input) => input?.fault)?.fault;
  try {
    if (!fault) kernel();
  } catch (error) {
    if (!(error instanceof TesseraError)) throw error;
    fault = error;
  }
  for (const output of outputs) output.fault = fault;
}

/** Codes and indices count from 0; slice s of `[n, groups]` is group s mod groups of row ⌊s / groups⌋. */
function checkCode(code: number, slice: number, groups: number, codewords: number): void {
  if (code >= 0 && code < codewords) return;
  throw new CodeRangeError(Math.floor(slice / groups), slice % groups, code, codewords);
}

/** A row whose squared norm is no finite float32 has no distances. */
function checkNorms(values: Float32Array, dimension: number, perRow: number, what: string): void {
  for (let start = 0; start < values.length; start += dimension) {
    let square = 0;
    for (let i = 0; i < dimension; i++) square += values[start + i]! ** 2;
    if (Number.isFinite(Math.fround(square))) continue;
    throw new NonFiniteError(Math.floor(start / dimension / perRow), what);
  }
}
