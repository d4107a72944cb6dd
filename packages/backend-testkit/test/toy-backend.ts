import {
  allocate,
  ArgumentError,
  CodeRangeError,
  DisposedError,
  disposeSymbol,
  type DType,
  NonFiniteError,
  sizeOf,
  type Tensor,
  type TensorData,
  TesseraError,
  type TypedArrays,
} from "@tessera/core";
import { DeviceBackend, type KernelLaunches } from "@tessera/core/authoring";

/** A tensor whose values lie on the host. */
class ToyTensor<D extends DType = DType> implements Tensor<D> {
  readonly owner: ToyBackend;
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly size: number;
  readonly values: TypedArrays[D];
  /** What kept the values from being computed. */
  fault: TesseraError | undefined;
  disposed = false;

  constructor(owner: ToyBackend, dtype: D, shape: readonly number[], values: TypedArrays[D]) {
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
    this.owner.forget(this);
  }

  [disposeSymbol](): void {
    this.dispose();
  }
}

type ToyTensors = { readonly [D in DType]: ToyTensor<D> };

/** A backend in plain JavaScript: the kernels that every backend has. */
export class ToyBackend extends DeviceBackend<undefined, ToyTensors> {
  readonly info = {
    name: "toy",
    device: "plain JavaScript",
    features: [],
    threads: 1,
    maxTensorBytes: 2 ** 31,
  };
  readonly device = undefined; // What the launches are given first.
  protected readonly launches = launches;
  disposed = false;

  async sync(): Promise<void> {
    this.checkAlive();
  }

  protected checkAlive(): void {
    if (this.disposed) throw new DisposedError("the backend");
  }
  protected upload<D extends DType>(data: TensorData, dtype: D, shape: readonly number[]) {
    return new ToyTensor(this, dtype, shape, data.slice() as TypedArrays[D]);
  }
  protected allocate<D extends DType>(dtype: D, shape: readonly number[]) {
    return new ToyTensor(this, dtype, shape, allocate(dtype, sizeOf(shape)));
  }
  protected share<D extends DType>(
    { dtype, values, fault }: ToyTensor<D>,
    shape: readonly number[],
    start: number,
  ) {
    const part = values.subarray(start, start + sizeOf(shape)) as TypedArrays[D];
    const tensor = new ToyTensor(this, dtype, shape, part);
    tensor.fault = fault;
    return tensor;
  }
  protected clear(tensor: ToyTensor): void {
    tensor.values.fill(0);
  }
  protected stop(): void {
    this.disposed = true;
  }
}

const launches: KernelLaunches<undefined, ToyTensors> = {
  nearest(_, { x, books, codes, distances }, shape, metric, count = 1) {
    const { rows, groups, codewords, dimension } = shape;
    const term =
      metric === "l2" ? (a: number, b: number) => (a - b) ** 2 : (a: number, b: number) => -a * b;
    run([x, books], [codes, distances], () => {
      checkNorms(books.values, dimension, 1, "codebook");
      checkNorms(x.values, dimension, groups, "input");
      const all = new Float64Array(codewords);
      for (let slice = 0; slice < rows * groups; slice++) {
        const first = (slice % groups) * codewords;
        for (let code = 0; code < codewords; code++) {
          all[code] = 0;
          for (let i = 0; i < dimension; i++) {
            const value = x.values[slice * dimension + i]!;
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
  },

  gather(_, books, codes, out, { groups, codewords, dimension }) {
    run([books, codes], [out], () =>
      codes.values.forEach((code, slice) => {
        checkCode(code, slice, groups, codewords);
        const start = ((slice % groups) * codewords + code) * dimension;
        out.values.set(books.values.subarray(start, start + dimension), slice * dimension);
      }),
    );
  },

  residual(_, { x, books, codes, parents, out }, { groups, codewords, dimension }) {
    run([x, books, codes, parents], [out], () => {
      codes.values.forEach((code, slice) => {
        const [row, group] = [Math.floor(slice / groups), slice % groups];
        const parent = parents?.values[row] ?? row;
        checkRow("parent", parent, row, x.shape[0]!);
        checkCode(code, slice, groups, codewords);
        for (let i = 0; i < dimension; i++) {
          const value = x.values[(parent * groups + group) * dimension + i]!;
          const codeword = books.values[(group * codewords + code) * dimension + i]!;
          out.values[slice * dimension + i] = value - codeword;
        }
      });
    });
  },

  sumClusters(_, { x, codes, weights, sums, counts }, { groups, codewords, dimension }) {
    run([x, codes, weights], [sums, counts], () => {
      // Added up in float64: of many rows, float32 sums would leave the bound, and the suite finds it.
      const totals = new Float64Array(sums.size);
      const weightOf = new Float64Array(counts.size);
      codes.values.forEach((code, slice) => {
        checkCode(code, slice, groups, codewords);
        const weight = weights?.values[Math.floor(slice / groups)] ?? 1;
        const cluster = (slice % groups) * codewords + code;
        weightOf[cluster]! += weight;
        for (let i = 0; i < dimension; i++) {
          totals[cluster * dimension + i]! += weight * x.values[slice * dimension + i]!;
        }
      });
      sums.values.set(totals);
      counts.values.set(weightOf);
    });
  },

  multiply(_, { a, b, out, rows, inner, columns, bias, ...how }) {
    run([a, b, bias], [out], () => {
      out.values.forEach((_, at) => {
        const [i, j] = [Math.floor(at / columns), at % columns];
        let sum = 0;
        for (let p = 0; p < inner; p++) {
          const factor = b.values[how.transposeB ? j * inner + p : p * columns + j]!;
          sum += a.values[how.transposeA ? p * rows + i : i * inner + p]! * factor;
        }
        sum += bias?.values[j] ?? 0;
        out.values[at] = how.activation === "relu" ? Math.max(0, sum) : sum;
      });
    });
  },

  combine(_, { a, b, out }, alpha, beta) {
    run([a, b], [out], () =>
      a.values.forEach((value, i) => {
        out.values[i] = alpha * value + beta * b.values[i]!;
      }),
    );
  },

  take(_, x, indices, out) {
    const [rows, width] = x.shape as [number, number];
    run([x, indices], [out], () =>
      indices.values.forEach((row, i) => {
        checkRow("index", row, i, rows);
        out.values.set(x.values.subarray(row * width, (row + 1) * width), i * width);
      }),
    );
  },

  encodeScalars(_, { values, codes, lower, step }, levels, bits) {
    pack(values, [lower, step], codes, bits, (value, j) => {
      if (step.values[j]! < 2 ** -126) return 0;
      const position = (value - lower.values[j]!) / step.values[j]!;
      return Math.min(Math.max(Math.round(position), 0), levels - 1);
    });
  },

  decodeScalars(_, { values, codes, lower, step }, bits) {
    const [dimension, width] = [lower.size, codes.shape[1]!];
    run([codes, lower, step], [values], () =>
      values.values.forEach((_, at) => {
        const [row, j] = [Math.floor(at / dimension), at % dimension];
        const byte = codes.values[row * width + Math.floor((j * bits) / 8)]!;
        const code = (byte >> ((j * bits) % 8)) & (2 ** bits - 1);
        values.values[at] = lower.values[j]! + code * step.values[j]!;
      }),
    );
  },

  encodeByThresholds(_, values, { count, tensor }, codes, bits) {
    const dimension = values.shape[1]!;
    pack(values, [tensor], codes, bits, (value, j) => {
      let code = 0;
      for (let m = 0; m < count; m++) {
        if (value > (tensor?.values[m * dimension + j] ?? 0)) code++;
      }
      return code;
    });
  },
};

/** The code of each value, `bits` bits each, least significant bit first. */
function pack(
  x: ToyTensor<"float32">,
  others: readonly (ToyTensor | undefined)[],
  codes: ToyTensor<"uint8">,
  bits: number,
  codeOf: (value: number, column: number) => number,
): void {
  const [dimension, width] = [x.shape[1]!, codes.shape[1]!];
  run([x, ...others], [codes], () =>
    x.values.forEach((value, at) => {
      const [row, j] = [Math.floor(at / dimension), at % dimension];
      if (!Number.isFinite(value)) throw new NonFiniteError(row);
      const byte = row * width + Math.floor((j * bits) / 8);
      codes.values[byte]! |= codeOf(value, j) << ((j * bits) % 8);
    }),
  );
}

/** Runs a kernel. A fault of its inputs, or one that it finds in them, waits in its outputs for `read()`. */
function run(
  inputs: readonly (ToyTensor | undefined)[],
  outputs: readonly ToyTensor[],
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

function checkRow(what: string, row: number, position: number, rows: number): void {
  if (row >= 0 && row < rows) return;
  throw new ArgumentError(`${what} ${row} at position ${position} is outside the ${rows} rows`);
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
