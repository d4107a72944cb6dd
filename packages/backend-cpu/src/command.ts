import { kernelArguments } from "./generated/kernel-arguments.js";

/**
 * Commands: one kernel over a number of items, as words that any thread can read.
 *
 * The words are the contract between the caller's thread, the workers, `settle.c` and the native `engine.c`. Wasm engines
 * keep them in 32 bits, as are its addresses; the native one takes them as float64, which hold its addresses exactly.
 */

/** A name that the engines export a kernel under. */
export type KernelName = keyof typeof kernelArguments;

/** Kernels by number. */
export const KERNELS = Object.keys(kernelArguments) as KernelName[];

export const KERNEL_NUMBERS = Object.fromEntries(
  KERNELS.map((name, number) => [name, number]),
) as Readonly<Record<KernelName, number>>;

/** Where in a command each word is. */
export const WORD = {
  kernel: 0,
  items: 1,
  grain: 2,
  scratch: 3,
  scratchStride: 4,
  notify: 5,
  /** `fault_record` of settle.c. */
  record: 8,
  faultKind: 8,
  faultColumns: 9,
  faultLimit: 10,
  faultValues: 11,
  outputs: 12,
  inputs: 13,
  cells: 14,
  arguments: 24,
} as const;

export const COMMAND_WORDS = 48;
export const COMMAND_BYTES = 4 * COMMAND_WORDS;

/** The number of a command that runs no kernel: a fence that only asks to be told of. */
export const FENCE = 0xffffffff;

/** Writes a command that asks to be told when everything before it has run. */
export function writeFence(words: Float64Array): void {
  words[WORD.kernel] = FENCE;
  words[WORD.notify] = 1;
}

/** What a kernel returns if its data are sound. */
export const NO_FAULT = 0xffffffff;

/** Commands that wait in wasm memory at once. */
export const RING_COMMANDS = 512;

const STACK_BYTES = 32 * 1024;
/** Nothing lies here, so that a null pointer stands out. */
const GUARD_BYTES = 1024;

/** Threads of a wasm engine at most; the memory map has a stack for each. */
export const MAX_WASM_THREADS = 16;

export function stackTop(thread: number): number {
  return GUARD_BYTES + (thread + 1) * STACK_BYTES;
}

export const RING_START: number = GUARD_BYTES + MAX_WASM_THREADS * STACK_BYTES;
export const HEAP_START: number = RING_START + RING_COMMANDS * COMMAND_BYTES;
