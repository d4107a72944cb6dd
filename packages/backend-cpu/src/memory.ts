import { BackendError } from "@tessera/core";
import { COMMAND_BYTES, HEAP_START, RING_START } from "./command.js";

const PAGE = 65536;
/** Most pages to reserve: 4 GiB less a page, then what hosts with less address space allow. */
const MAXIMA = [65535, 32768, 16384, 8192, 4096];

/** Where tensors live: a range of addresses, of which the first part is usable and the rest can become so. */
export interface DeviceMemory {
  /** Address of the first byte for tensors. */
  readonly start: number;
  /** Address after the last usable byte. */
  readonly end: number;
  /** Address after the last byte that can become usable. */
  readonly limit: number;
  /** The most bytes that one block may have. */
  readonly maxBlockBytes: number;
  /** Makes so many more bytes usable; false if the host refuses. */
  grow(bytes: number): boolean;
  /** Copies host data to an address. */
  write(address: number, data: ArrayBufferView): void;
  /** Fills a host array from an address. */
  read(address: number, target: ArrayBufferView): void;
  /** The address of host data, where kernels can read them in place. */
  addressOf?(data: ArrayBufferView): number;
}

/** Wasm memory. */
export class WasmMemory implements DeviceMemory {
  readonly start: number = HEAP_START;
  readonly limit: number;
  readonly memory: WebAssembly.Memory;

  /** @param limit bytes that it can grow to */
  constructor(memory: WebAssembly.Memory, limit: number) {
    this.memory = memory;
    this.limit = limit;
  }

  /** @throws {BackendError} if the host refuses even the least */
  static reserve(shared: boolean): WasmMemory {
    const initial = Math.ceil(HEAP_START / PAGE);
    let refusal: unknown;
    for (const maximum of MAXIMA) {
      try {
        const memory = new WebAssembly.Memory({ initial, maximum, shared });
        return new WasmMemory(memory, maximum * PAGE);
      } catch (cause) {
        refusal = cause;
      }
    }
    throw new BackendError(`could not reserve ${MAXIMA.at(-1)! * PAGE} bytes of wasm memory`, {
      hint: "dispose backends that are no longer needed",
      cause: refusal,
    });
  }

  get end(): number {
    return this.memory.buffer.byteLength;
  }

  /** What a signed 32-bit difference of addresses can span. */
  get maxBlockBytes(): number {
    return Math.min(2 ** 31 - PAGE, this.limit - this.start);
  }

  grow(bytes: number): boolean {
    try {
      this.memory.grow(Math.ceil(bytes / PAGE));
      return true;
    } catch {
      return false;
    }
  }

  write(address: number, data: ArrayBufferView): void {
    new Uint8Array(this.memory.buffer, address, data.byteLength).set(bytesOf(data));
  }

  read(address: number, target: ArrayBufferView): void {
    bytesOf(target).set(new Uint8Array(this.memory.buffer, address, target.byteLength));
  }

  /** Writes a command's words to a slot of the ring. */
  place(words: Float64Array, slot: number): void {
    const at = RING_START + slot * COMMAND_BYTES;
    new Uint32Array(this.memory.buffer, at, words.length).set(words);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
