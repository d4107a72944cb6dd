import { BackendError } from "@tessera/core";
import { COMMAND_BYTES, HEAP_START, RING_START } from "./command.js";

const PAGE = 65536;
/** Most pages to reserve: 4 GiB less a page, then what hosts with less address space allow. */
const MAXIMA = [65535, 32768, 16384, 8192, 4096];

export interface ReservedMemory {
  readonly memory: WebAssembly.Memory;
  /** Bytes that it can grow to. */
  readonly limit: number;
}

/** @throws {BackendError} if the host refuses even the least */
export function reserveMemory(shared: boolean): ReservedMemory {
  const initial = Math.ceil(HEAP_START / PAGE);
  let refusal: unknown;
  for (const maximum of MAXIMA) {
    try {
      const memory = new WebAssembly.Memory({ initial, maximum, shared });
      return { memory, limit: maximum * PAGE };
    } catch (cause) {
      refusal = cause;
    }
  }
  throw new BackendError(`could not reserve ${MAXIMA.at(-1)! * PAGE} bytes of wasm memory`, {
    hint: "dispose backends that are no longer needed",
    cause: refusal,
  });
}

/** Writes a command's words to a slot of the ring. */
export function placeCommand(memory: WebAssembly.Memory, words: Uint32Array, slot: number): void {
  const at = RING_START + slot * COMMAND_BYTES;
  new Uint32Array(memory.buffer, at, words.length).set(words);
}
