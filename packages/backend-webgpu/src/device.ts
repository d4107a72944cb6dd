import {
  BackendError,
  bytesPerElement,
  DisposedError,
  type DType,
  type TensorData,
  TesseraError,
} from "@tessera/core";
import { ALIGNMENT, MAP_READ, MAX_WORKGROUPS, USAGE } from "./constants.js";
import { FAULT, faultError, type FaultSource } from "./fault.js";
import { CELL_BYTES, FaultCells, type FaultCell } from "./fault-cells.js";
import { FLAT_LANES, type Kernel } from "./kernel.js";
import { SETTLE_INPUTS, settleKernel } from "./kernels/settle.js";
import { writeBytesKernel } from "./kernels/write.js";
import { withNudges } from "./nudge.js";
import { BufferPool } from "./pool.js";
import { Recorder, type Workgroups } from "./recorder.js";
import { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

/** Elements of a storage from `start` on, such as a tensor; of four bytes each where it does not say their type. */
export interface View {
  readonly storage: Storage;
  readonly start: number;
  readonly dtype?: DType;
  /** Of all its elements; needed where the storage is larger than a binding. */
  readonly bytes?: number;
}

/** What a kernel runs on. A storage by itself is used from its start. */
export interface Launch<
  I extends string,
  O extends string,
  P extends string,
  U extends string = never,
> {
  readonly inputs: Readonly<Record<I, View | Storage>>;
  /** Each of a storage of its own, or WebGPU refuses: see {@link runInPlace}. */
  readonly updates?: Readonly<Record<U, View | Storage>>;
  readonly outputs: Readonly<Record<O, View | Storage>>;
  readonly params: Readonly<Record<P, number>>;
  readonly workgroups: Workgroups;
}

/** What the tensors that a call made depend on, and what its kernels may have found wrong. */
export interface Settlement {
  readonly inputs: readonly GpuTensor[];
  readonly outputs: readonly GpuTensor[];
  /** By slot. */
  readonly sources?: readonly [FaultSource] | readonly [FaultSource, FaultSource];
}

export interface DeviceOptions {
  /** Whether the device is destroyed when it is stopped. */
  readonly owned: boolean;
  /** Whether kernels use subgroups. */
  readonly subgroups: boolean;
  /** The most bytes to bind at once, from 512 on, where that is less than what the device can. */
  readonly maxBinding?: number | undefined;
}

const NOTHING: FaultSource = { kind: FAULT.none };

/** A GPU device with its queue, buffers and fault cells. */
export class Device {
  readonly gpu: GPUDevice;
  /** The most bytes that one tensor may have. */
  readonly maxBytes: number;
  /** The most bytes that a kernel can be given of one tensor, wherever in its storage they start. */
  readonly maxBound: number;
  readonly recorder: Recorder;
  readonly #binding: number;
  readonly #pool: BufferPool;
  readonly #cells: FaultCells;
  /** Stands where a kernel has no use for an input. */
  readonly #unused: Storage;
  /** Stands where a kernel has no use for an output. A buffer is not to be read and written at once. */
  readonly #spare: Storage;
  readonly #owned: boolean;
  #stopped: TesseraError | undefined;
  /** The first row of the part that is being launched, where rows are launched in parts. */
  #firstRow: number | undefined;
  readonly #refused = ({ error }: GPUUncapturedErrorEvent): void =>
    this.#fail(uncapturedError(error));

  constructor(gpu: GPUDevice, { owned, subgroups, maxBinding = Infinity }: DeviceOptions) {
    this.gpu = gpu;
    this.#owned = owned;
    const { maxStorageBufferBindingSize, maxBufferSize } = gpu.limits;
    // A read stages a tensor with its fault cell; indices of bytes are uint32 in kernels.
    const readable = Math.min(maxBufferSize - CELL_BYTES, 2 ** 32 - 4);
    this.maxBytes = readable - (readable % 4);
    const binding = Math.min(maxStorageBufferBindingSize, maxBinding);
    this.#binding = binding - (binding % 4);
    this.maxBound = this.#binding - ALIGNMENT;
    this.recorder = new Recorder(gpu, subgroups);
    this.#pool = new BufferPool(gpu, [this.#binding, this.maxBytes]);
    this.#cells = new FaultCells(gpu, (from, to) => {
      this.recorder.copy(from, 0, to, 0, from.size);
      this.recorder.destroyLater(from);
    });
    this.#unused = this.allocate(4);
    this.#spare = this.allocate(4);
    void gpu.lost.then((info) => this.#fail(lostError(info)));
    gpu.addEventListener("uncapturederror", this.#refused);
  }

  get unused(): Storage {
    return this.#unused;
  }

  get spare(): Storage {
    return this.#spare;
  }

  checkAlive(): void {
    if (this.#stopped) throw this.#stopped;
  }

  /** Values of a kernel's output are whatever was there before. */
  allocate(bytes: number): Storage {
    return this.#take(bytes).storage;
  }

  zeros(bytes: number): Storage {
    const storage = this.allocate(bytes);
    this.clear(storage, bytes);
    return storage;
  }

  /** Makes the first bytes zeros, to the end of the last word. */
  clear({ buffer }: Storage, bytes: number): void {
    const padded = Math.ceil(bytes / 4) * 4;
    if (padded > 0) this.recorder.clear(buffer, padded);
  }

  upload(data: TensorData): Storage {
    const { storage, used } = this.#take(data.byteLength);
    // A write enters the queue at once, before what is only recorded.
    if (used) this.recorder.submit();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const whole = bytes.length - (bytes.length % 4);
    const { queue } = this.gpu;
    if (whole > 0) queue.writeBuffer(storage.buffer, 0, bytes, 0, whole);
    if (whole < bytes.length) {
      const rest = new Uint8Array(4);
      rest.set(bytes.subarray(whole));
      queue.writeBuffer(storage.buffer, whole, rest);
    }
    return storage;
  }

  /** A storage with the values of the tensor from its start. */
  copyOf(tensor: GpuTensor): Storage {
    const copy = this.allocate(tensor.bytes);
    this.#copy(tensor, { storage: copy, start: 0 }, tensor);
    return copy;
  }

  /** Copies values over those of the tensor, which is of another storage. */
  overwrite(tensor: GpuTensor, source: View): void {
    this.#copy(source, tensor, tensor);
  }

  #copy(from: View, to: View, { dtype, bytes }: GpuTensor): void {
    if (bytes === 0) return;
    if (dtype === "uint8") return this.#copyBytes(from.storage, from.start, to, bytes);
    const [offset, target] = [4 * from.start, 4 * to.start];
    this.recorder.copy(from.storage.buffer, offset, to.storage.buffer, target, bytes);
  }

  /** Bytes may start anywhere in a word on either side; the queue copies whole words alone. */
  #copyBytes(storage: Storage, start: number, to: View, bytes: number): void {
    for (let first = 0; first < bytes; first += this.maxBound) {
      const some = Math.min(this.maxBound, bytes - first);
      const window = { dtype: "uint8", bytes: some } as const;
      const copied = { ...window, storage: to.storage, start: to.start + first };
      const items = Math.ceil(((copied.start % 4) + some) / 4);
      this.run(writeBytesKernel, {
        inputs: { source: { ...window, storage, start: start + first } },
        updates: { copied },
        outputs: {},
        params: { items, bytes: some },
        workgroups: flat(items),
      });
    }
  }

  /** A storage over somebody else's buffer, which `release` gives back. */
  adopt(buffer: GPUBuffer, release: () => void): Storage {
    return new Storage(buffer, release);
  }

  run<I extends string, O extends string, P extends string, U extends string = never>(
    kernel: Kernel<I, O, P, U>,
    launch: Launch<I, O, P, U>,
  ): void {
    const { workgroups } = launch;
    if (workgroups.includes(0)) return;
    const { updates } = launch;
    const placed = [
      ...kernel.inputs.map((name) => launch.inputs[name]),
      ...(updates ? kernel.updates.map((name) => updates[name]) : []),
    ];
    const outputs = kernel.outputs.map((name) => launch.outputs[name]);
    const bound = placed.map((argument) => this.#bind(argument, false));
    this.recorder.dispatch(
      kernel,
      [...bound.map(({ start }) => start), ...kernel.params.map((name) => launch.params[name])],
      [
        ...bound.map(({ binding }) => binding),
        ...outputs.map((output) => this.#bind(output, true).binding),
        ...(kernel.faulty ? [{ buffer: this.#cells.buffer }] : []),
      ],
      workgroups,
    );
  }

  /**
   * Launches a part of the rows: positions of faults count from its first row, and what its outputs' storage bears of the
   * parts before comes first.
   */
  part(firstRow: number, launch: () => void): void {
    this.#firstRow = firstRow;
    try {
      launch();
    } finally {
      this.#firstRow = undefined;
    }
  }

  /** Has the outputs bear the first fault of the inputs or of the kernels just run. */
  settle({ inputs: read, outputs, sources }: Settlement): void {
    const inputs = this.#firstRow === undefined ? read : [...outputs, ...read];
    const cells = new Set<FaultCell>();
    for (const { storage } of inputs) if (storage.cell) cells.add(storage.cell);
    if (cells.size === 0 && !sources) return;
    const [only] = cells;
    const cell =
      cells.size === 1 && only && !sources ? only.retain() : this.#settled([...cells], sources);
    for (const { storage } of outputs) storage.blame(cell.retain());
    cell.release();
  }

  /** Copies values to the host. Rejects with the fault that they bear, or if the device stops before. */
  async read(storage: Storage, offset: number, into: TensorData): Promise<void> {
    this.checkAlive();
    const { cell } = storage;
    const first = Math.floor(offset / 4) * 4;
    const bytes = into.byteLength === 0 ? 0 : Math.ceil((offset - first + into.byteLength) / 4) * 4;
    if (bytes === 0 && !cell) return;
    const staging = this.gpu.createBuffer({
      size: bytes + CELL_BYTES,
      usage: USAGE.mapRead | USAGE.copyTarget,
    });
    if (bytes > 0) this.recorder.copy(storage.buffer, first, staging, 0, bytes);
    if (cell) {
      this.recorder.copy(this.#cells.buffer, cell.number * CELL_BYTES, staging, bytes, CELL_BYTES);
    }
    this.recorder.submit();
    try {
      await withNudges(this.gpu.queue, staging.mapAsync(MAP_READ));
      this.checkAlive();
      const mapped = staging.getMappedRange();
      if (cell) {
        const error = faultError(new Uint32Array(mapped, bytes, CELL_BYTES / 4));
        if (error) throw error;
        cell.sound = true;
      }
      const target = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
      target.set(new Uint8Array(mapped, offset - first, into.byteLength));
    } catch (error) {
      throw await this.#explained(error);
    } finally {
      staging.destroy();
    }
  }

  async finished(): Promise<void> {
    this.recorder.submit();
    try {
      const { queue } = this.gpu;
      await withNudges(queue, queue.onSubmittedWorkDone());
    } catch (error) {
      throw await this.#explained(error);
    }
    this.checkAlive();
  }

  stop(error: TesseraError): void {
    if (this.#stopped instanceof DisposedError) return;
    this.#stopped = error;
    this.recorder.destroy();
    this.gpu.removeEventListener("uncapturederror", this.#refused);
    if (this.#owned) this.gpu.destroy();
    else {
      this.#pool.destroy();
      this.#cells.buffer.destroy();
      this.#unused.buffer.destroy();
      this.#spare.buffer.destroy();
    }
  }

  #take(bytes: number): { readonly storage: Storage; readonly used: boolean } {
    if (bytes > this.maxBytes) {
      throw new BackendError(
        `a tensor of ${bytes} bytes is larger than the ${this.maxBytes} bytes that this device takes`,
        { hint: "work on the rows in parts: info.maxTensorBytes says how large" },
      );
    }
    const { buffer, used } = this.#pool.take(bytes);
    return { storage: new Storage(buffer, (storage) => this.#free(storage)), used };
  }

  /** All of a buffer, or from a whole multiple of the alignment on what can be bound. Outputs are written from there. */
  #bind(
    argument: View | Storage,
    output: boolean,
  ): { readonly binding: GPUBufferBinding; readonly start: number } {
    const { storage, start, dtype, bytes }: View =
      argument instanceof Storage ? { storage: argument, start: 0 } : argument;
    const { buffer } = storage;
    if (buffer.size <= this.#binding && !(output && start > 0)) {
      return { binding: { buffer }, start };
    }
    const size = dtype === undefined ? 4 : bytesPerElement(dtype);
    const offset = Math.floor((start * size) / ALIGNMENT) * ALIGNMENT;
    const most = Math.min(buffer.size - offset, this.#binding);
    const needed = bytes ?? buffer.size;
    if (needed > most - (start * size - offset)) {
      throw new BackendError(
        `a kernel needs ${needed} bytes at once, where this device binds ${this.#binding}`,
        { hint: "work on fewer rows, or on smaller codebooks and weights" },
      );
    }
    return { binding: { buffer, offset, size: most }, start: start - offset / size };
  }

  #free({ buffer }: Storage): void {
    if (this.#stopped || !this.#pool.give(buffer)) this.recorder.destroyLater(buffer);
  }

  /** A cell of its own, with the first fault of those. */
  #settled(cells: readonly FaultCell[], sources: Settlement["sources"]): FaultCell {
    const first = cells.slice(0, SETTLE_INPUTS);
    const rest = cells.slice(SETTLE_INPUTS);
    const [zero = NOTHING, one = NOTHING] = rest.length === 0 ? (sources ?? []) : [];
    const cell = this.#cells.take();
    const number = (i: number): number => first[i]?.number ?? 0;
    this.run(settleKernel, {
      inputs: { values0: zero.values ?? this.#unused, values1: one.values ?? this.#unused },
      outputs: {},
      params: {
        cell: cell.number,
        own: rest.length === 0 ? 1 : 0,
        inputs: first.length,
        input0: number(0),
        input1: number(1),
        input2: number(2),
        input3: number(3),
        input4: number(4),
        input5: number(5),
        firstRow: this.#firstRow ?? 0,
        kind0: zero.kind,
        columns0: zero.columns ?? 1,
        limit0: zero.limit ?? 0,
        hasValues0: zero.values ? 1 : 0,
        kind1: one.kind,
        columns1: one.columns ?? 1,
        limit1: one.limit ?? 0,
        hasValues1: one.values ? 1 : 0,
      },
      workgroups: [1, 1, 1],
    });
    if (rest.length === 0) return cell;
    const all = this.#settled([cell, ...rest], sources);
    cell.release();
    return all;
  }

  /** Why a wait failed; the news of a lost device may come a little later. */
  async #explained(error: unknown): Promise<unknown> {
    if (error instanceof TesseraError) return error;
    if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, 0));
    return this.#stopped ?? new BackendError("the GPU did not finish its work", { cause: error });
  }

  #fail(error: TesseraError): void {
    this.#stopped ??= error;
  }
}

/** Workgroups of a flat kernel. */
export function flat(items: number): Workgroups {
  return spread(Math.ceil(items / FLAT_LANES));
}

/** Any number of workgroups along x and y. */
function spread(workgroups: number): Workgroups {
  const down = Math.ceil(workgroups / MAX_WORKGROUPS);
  return [down > 1 ? MAX_WORKGROUPS : workgroups, Math.max(1, down), 1];
}

/** Any number of workgroups along x and z, with `across` along y. */
export function tiled(workgroups: number, across: number): Workgroups {
  const [x, z] = spread(workgroups);
  return [x, across, z];
}

function lostError({ reason, message }: GPUDeviceLostInfo): BackendError {
  const why = message || reason;
  return new BackendError(`the GPU device was lost: ${why}`, {
    hint: "make a new backend; its tensors start from the host's data again",
  });
}

function uncapturedError(error: GPUError): BackendError {
  return new BackendError(`the GPU refused work: ${error.message}`, {
    hint: "dispose this backend; if memory ran out, make a new one and work on fewer rows at a time",
    cause: error,
  });
}
