import { BackendError, DisposedError, type TesseraError } from "@tessera/core";
import {
  COMMAND_WORDS,
  HEAP_START,
  KERNELS,
  MAX_ARGUMENTS,
  MAX_CELLS,
  WORD,
  type KernelName,
} from "./command.js";
import type { Executor } from "./executor.js";
import { faultError, type FaultKind } from "./fault.js";
import { Heap } from "./heap.js";

/** Before the data of each block lies the cell that says whether they are at fault. */
const HEADER_BYTES = 64;

/** A block of wasm memory that tensors share. It is freed when the last of them lets go. */
export class Storage {
  /** Address of the data. */
  readonly address: number;
  readonly bytes: number;
  #device: Device;
  #holders = 1;

  constructor(device: Device, address: number, bytes: number) {
    this.#device = device;
    this.address = address;
    this.bytes = bytes;
  }

  /** Address of the fault cell. */
  get cell(): number {
    return this.address - HEADER_BYTES;
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
  readonly outputs: readonly Storage[];
  /** What the outputs are computed from; their faults pass on, the first one first. */
  readonly inputs: readonly (Storage | undefined)[];
}

/** Wasm memory, the heap in it, and the threads that run commands on it. */
export class Device {
  readonly executor: Executor;
  /** The most bytes that one block may have: what a signed 32-bit difference of addresses can span. */
  readonly maxBytes: number;
  readonly #memory: WebAssembly.Memory;
  readonly #heap: Heap;
  readonly #words = new Uint32Array(COMMAND_WORDS);

  constructor(memory: WebAssembly.Memory, limit: number, executor: Executor) {
    this.#memory = memory;
    this.#heap = new Heap(memory, limit);
    this.executor = executor;
    this.maxBytes = Math.min(2 ** 31 - 65536, limit - HEAP_START - HEADER_BYTES);
  }

  /** Bytes of wasm memory in use. */
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
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    new Uint32Array(this.#memory.buffer, storage.cell, 1)[0] = 0;
    new Uint8Array(this.#memory.buffer, storage.address, bytes.length).set(bytes);
    return storage;
  }

  free(storage: Storage): void {
    this.#heap.free(storage.cell, HEADER_BYTES + storage.bytes, this.executor.enqueued);
  }

  launch(launch: Launch): void {
    this.checkAlive();
    const { kernel, items, grain, fault, outputs } = launch;
    const inputs = launch.inputs.filter((input) => input !== undefined);
    if (outputs.length + inputs.length > MAX_CELLS || launch.arguments.length > MAX_ARGUMENTS) {
      throw new BackendError(`${kernel} has more operands than a command holds`);
    }
    const words = this.#words;
    const threads = this.executor.threads;
    const stride = Math.ceil((launch.scratch ?? 0) / 64) * 64;
    // Freed as soon as the command is enqueued: what comes after it may have the block.
    const scratch = stride > 0 ? this.allocate(stride * threads) : undefined;
    words[WORD.kernel] = KERNELS.indexOf(kernel);
    words[WORD.items] = items;
    words[WORD.grain] = grain;
    words[WORD.scratch] = scratch?.address ?? 0;
    words[WORD.scratchStride] = stride;
    words[WORD.notify] = 0;
    words[WORD.faultKind] = fault?.kind ?? 0;
    words[WORD.faultColumns] = fault?.columns ?? 1;
    words[WORD.faultLimit] = fault?.limit ?? 0;
    words[WORD.faultValues] = fault?.values ?? 0;
    words[WORD.outputs] = outputs.length;
    words[WORD.inputs] = inputs.length;
    outputs.forEach((output, i) => {
      words[WORD.cells + i] = output.cell;
    });
    inputs.forEach((input, i) => {
      words[WORD.cells + outputs.length + i] = input.cell;
    });
    words.set(launch.arguments, WORD.arguments);
    this.executor.enqueue(words);
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
      const { buffer } = this.#memory;
      const fault = faultError(new Uint32Array(buffer, storage.cell, 5));
      if (fault) throw fault;
      const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
      bytes.set(new Uint8Array(buffer, storage.address + offset, bytes.length));
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
    if (bytes > this.maxBytes) {
      throw new BackendError(
        `a tensor of ${bytes} bytes was asked for; this backend holds up to ${this.maxBytes} in one`,
        { hint: "work on batches of rows" },
      );
    }
    const block = this.#heap.allocate(HEADER_BYTES + bytes, idleAt);
    return new Storage(this, block + HEADER_BYTES, bytes);
  }
}

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** The bits of a float32, for a command's arguments. */
export function floatBits(value: number): number {
  floats[0] = value;
  return bits[0]!;
}
