import {
  ArgumentError,
  bytesPerElement,
  DisposedError,
  dtypeOf,
  ShapeError,
  sizeOf,
  TensorLedger,
  type AssignOptions,
  type Assignment,
  type BackendInfo,
  type BeamCodes,
  type ClusterSums,
  type CompleteBackend,
  type DType,
  type DTypeOf,
  type MatmulOptions,
  type ScalarEncodeOptions,
  type ScalarOptions,
  type Tensor,
  type TensorData,
} from "@tessera/core";
import {
  bookShape,
  checkBits,
  checkChoice,
  checkExtents,
  checkInteger,
  checkLevels,
  checkShape,
  own,
} from "./arguments.js";
import { floatBits, type Device, type Storage } from "./device.js";
import { grainOf } from "./grain.js";
import { searchBeam } from "./launch-beam.js";
import { decodeScalars, encodeByThresholds, encodeScalars } from "./launch-codes.js";
import { gather, residual, take } from "./launch-gather.js";
import { multiply } from "./launch-matmul.js";
import { nearest } from "./launch-nearest.js";
import { sumClusters } from "./launch-clusters.js";
import { CpuTensor } from "./tensor.js";

/** The backend over a device: checks arguments, makes tensors, launches kernels. */
export class CpuBackend implements CompleteBackend {
  readonly info: BackendInfo;
  readonly device: Device;
  readonly #ledger = new TensorLedger();

  constructor(device: Device, info: BackendInfo) {
    this.device = device;
    this.info = info;
  }

  tensor<A extends TensorData>(
    data: A,
    shape: readonly number[] = [data.length],
  ): Tensor<DTypeOf<A>> {
    return this.#tensor(this.#checkData(data, shape), shape, this.device.upload(data));
  }

  borrow<A extends TensorData>(
    data: A,
    shape: readonly number[] = [data.length],
  ): Tensor<DTypeOf<A>> {
    return this.#tensor(this.#checkData(data, shape), shape, this.device.borrow(data));
  }

  zeros<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    checkExtents(shape);
    checkChoice(dtype, "dtype", ["float32", "int32", "uint32", "uint8"]);
    return this.made(() => {
      const tensor = this.output(dtype, shape);
      this.device.launch({
        kernel: "fill",
        items: Math.ceil(tensor.bytes / 4),
        grain: grainOf(1),
        arguments: [tensor.address, 0],
        outputs: [tensor.storage],
        inputs: [],
      });
      return tensor;
    });
  }

  slice<D extends DType>(tensor: Tensor<D>, start: number, end: number): Tensor<D> {
    const whole = own(this, tensor, "tensor", tensor.dtype);
    const [rows, ...rest] = whole.shape;
    if (rows === undefined) {
      throw new ShapeError("a tensor without axes has no rows to slice", {
        hint: "reshape() it to [1] first",
      });
    }
    checkInteger(end, "end", 0, rows);
    checkInteger(start, "start", 0, end);
    const offset = whole.offset + start * sizeOf(rest) * bytesPerElement(whole.dtype);
    return this.view(whole, [end - start, ...rest], offset);
  }

  reshape<D extends DType>(tensor: Tensor<D>, shape: readonly number[]): Tensor<D> {
    const whole = own(this, tensor, "tensor", tensor.dtype);
    checkExtents(shape);
    if (sizeOf(shape) !== whole.size) {
      throw new ShapeError(
        `[${whole.shape.join(", ")}] has ${whole.size} values, which do not fill [${shape.join(", ")}]`,
      );
    }
    return this.view(whole, shape, whole.offset);
  }

  scope<T>(body: () => T): T {
    this.device.checkAlive();
    return this.#ledger.scope(body);
  }

  memory(): { tensors: number; bytes: number } {
    return this.#ledger.memory();
  }

  async sync(): Promise<void> {
    this.device.checkAlive();
    await this.device.executor.finished();
  }

  dispose(): void {
    this.device.executor.stop(new DisposedError("the backend"));
    for (const tensor of this.#ledger.tensors) tensor.dispose();
  }

  /** A tensor has been disposed. */
  forget(tensor: Tensor): void {
    this.#ledger.remove(tensor);
  }

  assign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    options: AssignOptions = {},
  ): Assignment {
    return this.#nearest(x, codebooks, undefined, options);
  }

  assignTopK(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    count: number,
    options: AssignOptions = {},
  ): Assignment {
    return this.#nearest(x, codebooks, count, options);
  }

  beamSearch(
    x: Tensor<"float32">,
    codebooks: readonly Tensor<"float32">[],
    beam: number,
  ): BeamCodes {
    const rows = own(this, x, "x", "float32");
    const books = codebooks.map((book, l) => own(this, book, `codebooks[${l}]`, "float32"));
    checkShape(rows, "x", [undefined, undefined]);
    const [count, dimension] = rows.shape as [number, number];
    checkLevels(books, dimension);
    checkInteger(beam, "beam", 1, 256);
    const shape = [books.length, count];
    return this.made(() => {
      const codes = this.output("int32", shape);
      const distances = this.output("float32", shape);
      searchBeam(this.device, { x: rows, books, codes, distances }, beam);
      return { codes, distances };
    });
  }

  gather(codebooks: Tensor<"float32">, codes: Tensor<"int32">): Tensor<"float32"> {
    const books = own(this, codebooks, "codebooks", "float32");
    const chosen = own(this, codes, "codes", "int32");
    const shape = bookShape(books);
    checkShape(chosen, "codes", [undefined, shape.groups]);
    return this.made(() => {
      const out = this.output("float32", [chosen.shape[0]!, shape.groups * shape.dimension]);
      gather(this.device, books, chosen, out, shape);
      return out;
    });
  }

  residual(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    codes: Tensor<"int32">,
    parents?: Tensor<"int32">,
  ): Tensor<"float32"> {
    const rows = own(this, x, "x", "float32");
    const books = own(this, codebooks, "codebooks", "float32");
    const chosen = own(this, codes, "codes", "int32");
    const from = parents && own(this, parents, "parents", "int32");
    const shape = bookShape(books);
    const width = shape.groups * shape.dimension;
    checkShape(rows, "x", [undefined, width]);
    checkShape(chosen, "codes", [from ? undefined : rows.shape[0], shape.groups]);
    if (from) checkShape(from, "parents", [chosen.shape[0]]);
    return this.made(() => {
      const out = this.output("float32", [chosen.shape[0]!, width]);
      residual(this.device, { x: rows, books, codes: chosen, parents: from, out }, shape);
      return out;
    });
  }

  clusterSums(
    x: Tensor<"float32">,
    codes: Tensor<"int32">,
    codebookSize: number,
    weights?: Tensor<"float32">,
  ): ClusterSums {
    const rows = own(this, x, "x", "float32");
    const chosen = own(this, codes, "codes", "int32");
    const weighting = weights && own(this, weights, "weights", "float32");
    checkShape(rows, "x", [undefined, undefined]);
    const [count, width] = rows.shape as [number, number];
    checkShape(chosen, "codes", [count, undefined]);
    const groups = chosen.shape[1]!;
    checkInteger(codebookSize, "codebookSize", 1, 2 ** 24);
    if (weighting) checkShape(weighting, "weights", [count]);
    if (groups === 0 || width % groups !== 0) {
      throw new ShapeError(`rows of ${width} values do not divide into ${groups} groups of codes`, {
        hint: "x needs groups · dimension columns",
      });
    }
    const shape = { groups, codewords: codebookSize, dimension: width / groups };
    return this.made(() => {
      const sums = this.output("float32", [groups, codebookSize, shape.dimension]);
      const counts = this.output("float32", [groups, codebookSize]);
      sumClusters(this.device, { x: rows, codes: chosen, weights: weighting, sums, counts }, shape);
      return { sums, counts };
    });
  }

  matmul(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    options: MatmulOptions = {},
  ): Tensor<"float32"> {
    const { transposeA = false, transposeB = false, activation = "none" } = options;
    const left = own(this, a, "a", "float32");
    const right = own(this, b, "b", "float32");
    const bias = options.bias && own(this, options.bias, "bias", "float32");
    checkShape(left, "a", [undefined, undefined]);
    const rows = left.shape[transposeA ? 1 : 0]!;
    const inner = left.shape[transposeA ? 0 : 1]!;
    checkShape(right, "b", transposeB ? [undefined, inner] : [inner, undefined]);
    const columns = right.shape[transposeB ? 0 : 1]!;
    if (bias) checkShape(bias, "bias", [columns]);
    checkChoice(activation, "activation", ["none", "relu"]);
    return this.made(() => {
      const out = this.output("float32", [rows, columns]);
      multiply(this.device, {
        a: left,
        b: right,
        bias,
        out,
        rows,
        inner,
        columns,
        transposeA,
        transposeB,
        activation,
      });
      return out;
    });
  }

  combine(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    alpha: number,
    beta: number,
  ): Tensor<"float32"> {
    const left = own(this, a, "a", "float32");
    const right = own(this, b, "b", "float32");
    checkShape(right, "b", left.shape);
    return this.made(() => {
      const out = this.output("float32", left.shape);
      this.device.launch({
        kernel: "combine",
        items: out.size,
        grain: grainOf(8, 64),
        arguments: [left.address, right.address, out.address, floatBits(alpha), floatBits(beta)],
        outputs: [out.storage],
        inputs: [left.storage, right.storage],
      });
      return out;
    });
  }

  take(x: Tensor<"float32">, indices: Tensor<"int32">): Tensor<"float32"> {
    const rows = own(this, x, "x", "float32");
    const chosen = own(this, indices, "indices", "int32");
    checkShape(rows, "x", [undefined, undefined]);
    checkShape(chosen, "indices", [undefined]);
    return this.made(() => {
      const out = this.output("float32", [chosen.size, rows.shape[1]!]);
      take(this.device, rows, chosen, out);
      return out;
    });
  }

  scalarEncode(
    x: Tensor<"float32">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    options: ScalarEncodeOptions = {},
  ): Tensor<"uint8"> {
    const { bits = 8, levels = 2 ** bits } = options;
    const values = own(this, x, "x", "float32");
    const from = own(this, lower, "lower", "float32");
    const by = own(this, step, "step", "float32");
    checkShape(values, "x", [undefined, undefined]);
    const [rows, dimension] = values.shape as [number, number];
    checkShape(from, "lower", [dimension]);
    checkShape(by, "step", [dimension]);
    checkBits(bits);
    checkInteger(levels, "levels", 2, 2 ** bits);
    return this.made(() => {
      const codes = this.output("uint8", [rows, Math.ceil((dimension * bits) / 8)]);
      encodeScalars(this.device, { values, codes, lower: from, step: by }, levels, bits);
      return codes;
    });
  }

  scalarDecode(
    codes: Tensor<"uint8">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    { bits = 8 }: ScalarOptions = {},
  ): Tensor<"float32"> {
    const held = own(this, codes, "codes", "uint8");
    const from = own(this, lower, "lower", "float32");
    const by = own(this, step, "step", "float32");
    checkShape(from, "lower", [undefined]);
    checkShape(by, "step", from.shape);
    checkBits(bits);
    checkShape(held, "codes", [undefined, Math.ceil((from.size * bits) / 8)]);
    return this.made(() => {
      const values = this.output("float32", [held.shape[0]!, from.size]);
      decodeScalars(this.device, { values, codes: held, lower: from, step: by }, bits);
      return values;
    });
  }

  thresholdEncode(
    x: Tensor<"float32">,
    thresholds: Tensor<"float32">,
    { bits = 8 }: ScalarOptions = {},
  ): Tensor<"uint8"> {
    const values = own(this, x, "x", "float32");
    const above = own(this, thresholds, "thresholds", "float32");
    checkShape(values, "x", [undefined, undefined]);
    checkShape(above, "thresholds", [undefined, values.shape[1]]);
    checkBits(bits);
    checkInteger(above.shape[0]!, "the number of thresholds", 1, 2 ** bits - 1);
    return this.#byThresholds(values, { count: above.shape[0]!, tensor: above }, bits);
  }

  packSigns(x: Tensor<"float32">, thresholds?: Tensor<"float32">): Tensor<"uint8"> {
    const values = own(this, x, "x", "float32");
    const above = thresholds && own(this, thresholds, "thresholds", "float32");
    checkShape(values, "x", [undefined, undefined]);
    if (above) checkShape(above, "thresholds", [values.shape[1]]);
    return this.#byThresholds(values, { count: 1, tensor: above }, 1);
  }

  #byThresholds(
    x: CpuTensor<"float32">,
    thresholds: { readonly count: number; readonly tensor: CpuTensor<"float32"> | undefined },
    bits: number,
  ): Tensor<"uint8"> {
    return this.made(() => {
      const [rows, dimension] = x.shape as [number, number];
      const codes = this.output("uint8", [rows, Math.ceil((dimension * bits) / 8)]);
      encodeByThresholds(this.device, x, thresholds, codes, bits);
      return codes;
    });
  }

  #nearest(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    count: number | undefined,
    { metric = "l2" }: AssignOptions,
  ): Assignment {
    const rows = own(this, x, "x", "float32");
    const books = own(this, codebooks, "codebooks", "float32");
    const shape = bookShape(books);
    checkShape(rows, "x", [undefined, shape.groups * shape.dimension]);
    checkChoice(metric, "metric", ["l2", "ip"]);
    const extents = [rows.shape[0]!, shape.groups];
    if (count !== undefined) {
      checkInteger(count, "count", 1, Math.min(shape.codewords, 256));
      extents.push(count);
    }
    return this.made(() => {
      const codes = this.output("int32", extents);
      const distances = this.output("float32", extents);
      nearest(this.device, { x: rows, books, codes, distances }, shape, metric, count);
      return { codes, distances };
    });
  }

  #checkData<A extends TensorData>(data: A, shape: readonly number[]): DTypeOf<A> {
    this.device.checkAlive();
    const dtype = dtypeOf(data);
    if (dtype === undefined) {
      throw new ArgumentError("data is not of an element type that tensors have", {
        hint: "pass a Float32Array, Int32Array, Uint32Array or Uint8Array",
      });
    }
    checkExtents(shape);
    if (sizeOf(shape) !== data.length) {
      throw new ShapeError(`${data.length} values do not fill the shape [${shape.join(", ")}]`);
    }
    return dtype;
  }

  /** What `make` returns; if memory runs out on the way, the tensors made by then are freed. */
  protected made<T>(make: () => T): T {
    return this.#ledger.scope(make);
  }

  /** A tensor for a kernel to write. */
  protected output<D extends DType>(dtype: D, shape: readonly number[]): CpuTensor<D> {
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    return this.#tensor(dtype, shape, this.device.allocate(bytes));
  }

  #tensor<D extends DType>(dtype: D, shape: readonly number[], storage: Storage): CpuTensor<D> {
    const tensor = new CpuTensor(this, dtype, shape, storage, 0);
    this.#ledger.add(tensor, tensor.bytes);
    return tensor;
  }

  protected view<D extends DType>(
    whole: CpuTensor<D>,
    shape: readonly number[],
    offset: number,
  ): CpuTensor<D> {
    const view = new CpuTensor(this, whole.dtype, shape, whole.storage.retain(), offset);
    this.#ledger.add(view, 0);
    return view;
  }
}
