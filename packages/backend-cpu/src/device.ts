import { BackendError, DisposedError, type TesseraError } from "@tessera/core";
import { faultError, type FaultKind } from "@tessera/core/authoring";
import { KERNEL_NUMBERS, WORD, type KernelName } from "./command.js";
import type { Executor } from "./executor.js";
import { kernelArguments } from "./generated/kernel-arguments.js";
import type { Layout } from "./grain.js";
import { Heap } from "./heap.js";
import type { DeviceMemory } from "./memory.js";

/** Before the data of each block lies the cell that says whether they are at fault. */
const HEADER_BYTES = 64;

/** Memory that tensors share: a block, or the caller's own. It is freed when the last of them lets go. */
export class Storage {
  /** Address of the fault cell. */
  readonly cell: number;
  /** Address of the data: after the cell, unless borrowed. */
  readonly address: number;
  readonly bytes: number;
  /** The caller's array that the data are in, if borrowed; held so that it is not collected. */
  readonly borrowed: ArrayBufferView | undefined;
  readonly #device: Device;
  #holders = 1;

  constructor(device: Device, block: number, bytes: number, borrowed?: ArrayBufferView) {
    this.#device = device;
    this.cell = block;
    this.address = borrowed ? device.memory.addressOf!(borrowed) : block + HEADER_BYTES;
    this.bytes = bytes;
    this.borrowed = borrowed;
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.#device.free(this);
  }
}

/** A kernel over a number of items. */
export interface Launch {
  readonly kernel: KernelName;
  readonly items: number;
  /** Items of a block, which one thread does at a time. */
  readonly grain: number;
  /** The fields of the kernel's argument struct, in order: addresses and unsigned integers (see {@link floatBits}). */
  readonly arguments: readonly number[];
  /** Bytes of scratch that each thread needs. Default: 0. */
  readonly scratch?: number;
  /** What a position that the kernel returns means. Default: the kernel finds no faults. */
  readonly fault?: {
    readonly kind: FaultKind;
    /** Positions in a row. Default: 1. */
    readonly columns?: number;
    /** What the value had to be below. */
    readonly limit?: number;
    /** Address of the values that positions count. */
    readonly values?: number;
  };
  readonly outputs: readonly (Storage | undefined)[];
  /** Whether outputs are written in place: each keeps a fault that it has. Default: what they held is gone. */
  readonly inPlace?: boolean;
  /** What the outputs are computed from; their faults pass on, the first one first. */
  readonly inputs: readonly (Storage | undefined)[];
}

/** Memory, the heap in it, and the threads that run commands on it. */
export class Device {
  readonly memory: DeviceMemory;
  readonly executor: Executor;
  readonly layout: Layout;
  /** The most bytes that one tensor may have. */
  readonly maxBytes: number;
  readonly #heap: Heap;
  /** Arrays of borrowed storages that are freed, and the commands that may still read them. */
  #lent: { readonly array: ArrayBufferView; readonly freedAt: number }[] = [];

  constructor(memory: DeviceMemory, executor: Executor, layout: Layout) {
    this.memory = memory;
    this.executor = executor;
    this.layout = layout;
    this.maxBytes = memory.maxBlockBytes - HEADER_BYTES;
    this.#heap = new Heap(memory);
  }

  /** Bytes of its memory in use. */
  get used(): number {
    return this.#heap.used;
  }

  /** A block for a kernel to write. */
  allocate(bytes: number): Storage {
    return this.#allocate(bytes, Infinity);
  }

  /** A block with a copy of host data. */
  upload(data: ArrayBufferView): Storage {
    const storage = this.#allocate(data.byteLength, this.executor.completed());
    this.memory.write(storage.cell, SOUND);
    this.memory.write(storage.address, data);
    return storage;
  }

  /** The host data themselves where kernels can reach them, else a copy. */
  borrow(data: ArrayBufferView): Storage {
    // Memory that can shrink under a running kernel must be copied.
    const { resizable } = data.buffer as { readonly resizable?: boolean };
    if (this.memory.addressOf === undefined || resizable || data.byteLength === 0) {
      return this.upload(data);
    }
    this.checkAlive();
    this.#checkBytes(data.byteLength);
    const block = this.#heap.allocate(HEADER_BYTES, this.executor.completed());
    this.memory.write(block, SOUND);
    return new Storage(this, block, data.byteLength, data);
  }

  free({ cell, bytes, borrowed }: Storage): void {
    const { enqueued } = this.executor;
    if (borrowed) {
      const completed = this.executor.completed();
      this.#lent = this.#lent.filter(({ freedAt }) => freedAt > completed);
      this.#lent.push({ array: borrowed, freedAt: enqueued });
    }
    this.#heap.free(cell, HEADER_BYTES + (borrowed ? 0 : bytes), enqueued);
  }

  launch(launch: Launch): void {
    this.checkAlive();
    const { outputs, items } = launch;
    if (!launch.inPlace) {
      this.#enqueue(launch, items, outputs);
      return;
    }
    // A command has one fault for all its outputs; here each may have its own. The first command writes them all.
    let first = true;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i];
      if (output === undefined || outputs.indexOf(output) < i) continue;
      this.#enqueue(launch, first ? items : 0, [output], output);
      first = false;
    }
  }

  /** @param kept an output whose fault remains */
  #enqueue(launch: Launch, items: number, outputs: Launch["outputs"], kept?: Storage): void {
    const { kernel, fault, inputs, arguments: given } = launch;
    const { words, threads } = this.executor;
    let cell: number = WORD.cells;
    for (const output of outputs) if (output) words[cell++] = output.cell;
    words[WORD.outputs] = cell - WORD.cells;
    if (kept) words[cell++] = kept.cell;
    for (const input of inputs) if (input) words[cell++] = input.cell;
    words[WORD.inputs] = cell - WORD.cells - words[WORD.outputs]!;
    if (cell > WORD.arguments) {
      throw new BackendError(`${kernel} has more operands than a command holds`);
    }
    if (given.length !== kernelArguments[kernel]) {
      throw new BackendError(
        `${kernel} takes ${kernelArguments[kernel]} arguments, not ${given.length}`,
      );
    }
    const stride = Math.ceil((launch.scratch ?? 0) / 64) * 64;
    // Freed as soon as the command is enqueued: what comes after it may have the block.
    const scratch = stride > 0 ? this.allocate(stride * threads) : undefined;
    words[WORD.kernel] = KERNEL_NUMBERS[kernel];
    words[WORD.items] = items;
    words[WORD.grain] = launch.grain;
    words[WORD.scratch] = scratch?.address ?? 0;
    words[WORD.scratchStride] = stride;
    words[WORD.notify] = 0;
    words[WORD.faultKind] = fault?.kind ?? 0;
    words[WORD.faultColumns] = fault?.columns ?? 1;
    words[WORD.faultLimit] = fault?.limit ?? 0;
    words[WORD.faultValues] = fault?.values ?? 0;
    for (let i = 0; i < given.length; i++) words[WORD.arguments + i] = given[i]!;
    this.executor.enqueue();
    scratch?.release();
  }

  /** Launches the last kernel to use some temporary blocks, and frees them whether or not that succeeds. */
  launchAndRelease(temporary: readonly (Storage | undefined)[], launch: Launch): void {
    try {
      this.launch(launch);
    } finally {
      for (const storage of temporary) storage?.release();
    }
  }

  /** Copies bytes to `target` once all commands so far have run. Rejects with the fault of the block, if it has one. */
  async read(storage: Storage, offset: number, target: ArrayBufferView): Promise<void> {
    storage.retain();
    try {
      await this.executor.finished();
      this.checkAlive();
      const cell = new Uint32Array(5);
      this.memory.read(storage.cell, cell);
      const fault = faultError(cell);
      if (fault) throw fault;
      this.memory.read(storage.address + offset, target);
    } finally {
      storage.release();
    }
  }

  /** @throws {TesseraError} why it cannot run anything any more */
  checkAlive(): void {
    const { failure } = this.executor;
    if (failure === undefined) return;
    throw failure instanceof DisposedError
      ? new DisposedError("the backend")
      : (failure as TesseraError);
  }

  #allocate(bytes: number, idleAt: number): Storage {
    this.checkAlive();
    this.#checkBytes(bytes);
    return new Storage(this, this.#heap.allocate(HEADER_BYTES + bytes, idleAt), bytes);
  }

  #checkBytes(bytes: number): void {
    if (bytes <= this.maxBytes) return;
    throw new BackendError(
      `a tensor of ${bytes} bytes was asked for; this backend holds up to ${this.maxBytes} in one`,
      { hint: "work on batches of rows" },
    );
  }
}

/** The cell of data without fault. */
const SOUND = new Uint32Array(1);

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** The bits of a float32, for a command's arguments. */
export function floatBits(value: number): number {
  floats[0] = value;
  return bits[0]!;
}
