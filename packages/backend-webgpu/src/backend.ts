import {
  bytesPerElement,
  checkExtents,
  DisposedError,
  ShapeError,
  sizeOf,
  TensorLedger,
  type AssignOptions,
  type Assignment,
  type BeamCodes,
  type ClusterSums,
  type ComputeBackend,
  type DType,
  type DTypeOf,
  type MatmulOptions,
  type ScalarEncodeOptions,
  type ScalarOptions,
  type Tensor,
  type TensorData,
} from "@tessera/core";
import {
  checkAssign,
  checkAssignTopK,
  checkBeamSearch,
  checkClusterSums,
  checkCombine,
  checkData,
  checkGather,
  checkMatmul,
  checkPackSigns,
  checkReshape,
  checkResidual,
  checkScalarDecode,
  checkScalarEncode,
  checkSlice,
  checkTake,
  checkThresholdEncode,
  checkZeros,
  type ScalarExtents,
} from "@tessera/core/arguments";
import { own } from "./arguments.js";
import type { Device } from "./device.js";
import type { WebGpuInfo } from "./info.js";
import { searchBeam } from "./launch-beam.js";
import { gather, residual, sumClusters, take } from "./launch-codebooks.js";
import { combine, multiply } from "./launch-dense.js";
import { nearest } from "./launch-nearest.js";
import { decodeScalars, encodeByThresholds, encodeScalars } from "./launch-scalar.js";
import type { Storage } from "./storage.js";
import { GpuTensor } from "./tensor.js";

/** The backend over a device: checks arguments, makes tensors, launches kernels. */
export class WebGpuBackend implements ComputeBackend {
  readonly info: WebGpuInfo;
  readonly device: Device;
  readonly #ledger = new TensorLedger();

  constructor(device: Device, info: WebGpuInfo) {
    this.device = device;
    this.info = info;
  }

  tensor<A extends TensorData>(
    data: A,
    shape: readonly number[] = [data.length],
  ): Tensor<DTypeOf<A>> {
    this.device.checkAlive();
    const dtype = checkData(data, shape);
    return this.#tensor(dtype, shape, this.device.upload(data));
  }

  zeros<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    checkZeros(shape, dtype);
    this.device.checkAlive();
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    return this.#tensor(dtype, shape, this.device.zeros(bytes));
  }

  /** The device that everything runs on. */
  get gpu(): GPUDevice {
    return this.device.gpu;
  }

  slice<D extends DType>(tensor: Tensor<D>, start: number, end: number): Tensor<D> {
    const whole = own(this, tensor, "tensor", tensor.dtype);
    const { shape, offset } = checkSlice(whole, start, end);
    return this.#view(whole, shape, whole.start + offset);
  }

  reshape<D extends DType>(tensor: Tensor<D>, shape: readonly number[]): Tensor<D> {
    const whole = own(this, tensor, "tensor", tensor.dtype);
    checkReshape(whole, shape);
    return this.#view(whole, shape, whole.start);
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
    await this.device.finished();
  }

  dispose(): void {
    this.device.stop(new DisposedError("the backend"));
    for (const tensor of this.#ledger.tensors) tensor.dispose();
  }

  /**
   * The buffer of a tensor, for other code on this device: its values are the first. What was enqueued by now has been
   * submitted. The buffer stays until it is released, and is not to be written.
   */
  lend(tensor: Tensor): { readonly buffer: GPUBuffer; readonly release: () => void } {
    const whole = own(this, tensor, "tensor", tensor.dtype);
    const storage = whole.start === 0 ? whole.storage.retain() : this.#copied(whole);
    this.device.recorder.submit();
    return { buffer: storage.buffer, release: () => storage.release() };
  }

  /**
   * A tensor over a buffer of this device, made by other code: usages STORAGE and COPY_SRC, values from its start, and no
   * more writes. Its bytes do not count in `memory()`.
   *
   * @param release told once no tensor looks at the buffer any more
   */
  adopt<D extends DType>(
    buffer: GPUBuffer,
    dtype: D,
    shape: readonly number[],
    release: () => void = () => undefined,
  ): Tensor<D> {
    this.device.checkAlive();
    checkExtents(shape);
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    if (buffer.size < bytes) {
      throw new ShapeError(`a buffer of ${buffer.size} bytes does not hold [${shape.join(", ")}]`);
    }
    const storage = this.device.adopt(buffer, release);
    const tensor = new GpuTensor(this, dtype, shape, storage, 0);
    this.#ledger.add(tensor, 0);
    return tensor;
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
    const shape = [books.length, checkBeamSearch(rows, books, beam).rows];
    return this.#made(() => {
      const codes = this.#output("int32", shape);
      const distances = this.#output("float32", shape);
      searchBeam(this.device, { x: rows, books, codes, distances }, beam);
      return { codes, distances };
    });
  }

  gather(codebooks: Tensor<"float32">, codes: Tensor<"int32">): Tensor<"float32"> {
    const books = own(this, codebooks, "codebooks", "float32");
    const chosen = own(this, codes, "codes", "int32");
    const shape = checkGather(books, chosen);
    return this.#made(() => {
      const out = this.#output("float32", [shape.rows, shape.width]);
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
    const shape = checkResidual(rows, books, chosen, from);
    return this.#made(() => {
      const out = this.#output("float32", [shape.rows, shape.width]);
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
    const shape = checkClusterSums(rows, chosen, codebookSize, weighting);
    const { groups, dimension } = shape;
    return this.#made(() => {
      const sums = this.#output("float32", [groups, codebookSize, dimension]);
      const counts = this.#output("float32", [groups, codebookSize]);
      sumClusters(this.device, { x: rows, codes: chosen, weights: weighting, sums, counts }, shape);
      return { sums, counts };
    });
  }

  matmul(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    options: MatmulOptions = {},
  ): Tensor<"float32"> {
    const left = own(this, a, "a", "float32");
    const right = own(this, b, "b", "float32");
    const bias = options.bias && own(this, options.bias, "bias", "float32");
    const extents = checkMatmul(left, right, options);
    return this.#made(() => {
      const out = this.#output("float32", [extents.rows, extents.columns]);
      multiply(this.device, { ...extents, a: left, b: right, bias, out });
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
    checkCombine(left, right);
    return this.#made(() => {
      const out = this.#output("float32", left.shape);
      combine(this.device, { a: left, b: right, out }, alpha, beta);
      return out;
    });
  }

  take(x: Tensor<"float32">, indices: Tensor<"int32">): Tensor<"float32"> {
    const rows = own(this, x, "x", "float32");
    const chosen = own(this, indices, "indices", "int32");
    const { count, width } = checkTake(rows, chosen);
    return this.#made(() => {
      const out = this.#output("float32", [count, width]);
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
    const values = own(this, x, "x", "float32");
    const from = own(this, lower, "lower", "float32");
    const by = own(this, step, "step", "float32");
    const { rows, width, bits, levels } = checkScalarEncode(values, from, by, options);
    return this.#made(() => {
      const codes = this.#output("uint8", [rows, width]);
      encodeScalars(this.device, { values, codes, lower: from, step: by }, levels, bits);
      return codes;
    });
  }

  scalarDecode(
    codes: Tensor<"uint8">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    options: ScalarOptions = {},
  ): Tensor<"float32"> {
    const held = own(this, codes, "codes", "uint8");
    const from = own(this, lower, "lower", "float32");
    const by = own(this, step, "step", "float32");
    const { rows, dimension, bits } = checkScalarDecode(held, from, by, options);
    return this.#made(() => {
      const values = this.#output("float32", [rows, dimension]);
      decodeScalars(this.device, { values, codes: held, lower: from, step: by }, bits);
      return values;
    });
  }

  thresholdEncode(
    x: Tensor<"float32">,
    thresholds: Tensor<"float32">,
    options: ScalarOptions = {},
  ): Tensor<"uint8"> {
    const values = own(this, x, "x", "float32");
    const above = own(this, thresholds, "thresholds", "float32");
    const extents = checkThresholdEncode(values, above, options);
    return this.#byThresholds(values, { count: above.shape[0]!, tensor: above }, extents);
  }

  packSigns(x: Tensor<"float32">, thresholds?: Tensor<"float32">): Tensor<"uint8"> {
    const values = own(this, x, "x", "float32");
    const above = thresholds && own(this, thresholds, "thresholds", "float32");
    const extents = checkPackSigns(values, above);
    return this.#byThresholds(values, { count: 1, tensor: above }, extents);
  }

  #byThresholds(
    x: GpuTensor<"float32">,
    thresholds: { readonly count: number; readonly tensor: GpuTensor<"float32"> | undefined },
    { rows, width, bits }: ScalarExtents,
  ): Tensor<"uint8"> {
    return this.#made(() => {
      const codes = this.#output("uint8", [rows, width]);
      encodeByThresholds(this.device, x, thresholds, codes, bits);
      return codes;
    });
  }

  #nearest(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    count: number | undefined,
    options: AssignOptions,
  ): Assignment {
    const rows = own(this, x, "x", "float32");
    const books = own(this, codebooks, "codebooks", "float32");
    const extents =
      count === undefined
        ? checkAssign(rows, books, options)
        : checkAssignTopK(rows, books, count, options);
    const shape = [extents.rows, extents.groups, ...(count === undefined ? [] : [count])];
    return this.#made(() => {
      const codes = this.#output("int32", shape);
      const distances = this.#output("float32", shape);
      nearest(this.device, { x: rows, books, codes, distances }, extents, extents.metric, count);
      return { codes, distances };
    });
  }

  #copied({ storage, start, dtype, bytes }: GpuTensor): Storage {
    const copy = this.device.allocate(bytes);
    const padded = Math.ceil(bytes / 4) * 4;
    const from = start * bytesPerElement(dtype);
    if (padded > 0) this.device.recorder.copy(storage.buffer, from, copy.buffer, 0, padded);
    return copy;
  }

  /** What `make` returns; if memory runs out on the way, the tensors made by then are freed. */
  #made<T>(make: () => T): T {
    return this.#ledger.scope(make);
  }

  /** A tensor for a kernel to write. */
  #output<D extends DType>(dtype: D, shape: readonly number[]): GpuTensor<D> {
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    return this.#tensor(dtype, shape, this.device.allocate(bytes));
  }

  #tensor<D extends DType>(dtype: D, shape: readonly number[], storage: Storage): GpuTensor<D> {
    const tensor = new GpuTensor(this, dtype, shape, storage, 0);
    this.#ledger.add(tensor, tensor.bytes);
    return tensor;
  }

  #view<D extends DType>(
    whole: GpuTensor<D>,
    shape: readonly number[],
    start: number,
  ): GpuTensor<D> {
    const view = new GpuTensor(this, whole.dtype, shape, whole.storage.retain(), start);
    this.#ledger.add(view, 0);
    return view;
  }
}
