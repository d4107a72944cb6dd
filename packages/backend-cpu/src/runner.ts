import { FENCE, KERNELS, NO_FAULT, RING_START, HEAP_START, stackTop, WORD } from "./command.js";

type Kernel = (argumentsAt: number, begin: number, end: number, scratch: number) => number;

/** One thread's instance of the kernels, and how it runs commands. */
export class Runner {
  readonly #kernels: readonly Kernel[];
  readonly #settle: (record: number, position: number) => void;
  /** The ring of commands lies low in memory, so this view stays valid when a shared memory grows. */
  #words: Uint32Array;
  readonly #memory: WebAssembly.Memory;
  readonly #thread: number;

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    (exports["__stack_pointer"] as WebAssembly.Global).value = stackTop(thread);
    this.#kernels = KERNELS.map((name) => exports[name] as Kernel);
    this.#settle = exports["settle"] as (record: number, position: number) => void;
    this.#memory = memory;
    this.#words = ringWords(memory);
    this.#thread = thread;
  }

  /** Reads a word of the command at an address. */
  word(command: number, word: number): number {
    // Memory that is not shared detaches its buffer when it grows.
    if (this.#words.length === 0) this.#words = ringWords(this.#memory);
    return this.#words[(command - RING_START) / 4 + word]!;
  }

  /** Number of blocks that a command's items are cut into. */
  blocks(command: number): number {
    if (this.word(command, WORD.kernel) === FENCE) return 0;
    return Math.ceil(this.word(command, WORD.items) / this.word(command, WORD.grain));
  }

  /** Runs one block; returns the position of its first fault or {@link NO_FAULT}. */
  runBlock(command: number, block: number): number {
    const items = this.word(command, WORD.items);
    const grain = this.word(command, WORD.grain);
    const kernel = this.#kernels[this.word(command, WORD.kernel)]!;
    const scratch =
      this.word(command, WORD.scratch) + this.#thread * this.word(command, WORD.scratchStride);
    const end = Math.min(items, (block + 1) * grain);
    return kernel(command + 4 * WORD.arguments, block * grain, end, scratch) >>> 0;
  }

  /** Ends a command whose blocks have all run: marks its outputs as sound or at fault. */
  settle(command: number, fault: number): void {
    if (this.word(command, WORD.kernel) !== FENCE) this.#settle(command + 4 * WORD.record, fault);
  }

  /** Runs a whole command on this thread. */
  run(command: number): void {
    const blocks = this.blocks(command);
    let fault = NO_FAULT;
    for (let block = 0; block < blocks; block++) {
      fault = Math.min(fault, this.runBlock(command, block));
    }
    this.settle(command, fault);
  }
}

function ringWords(memory: WebAssembly.Memory): Uint32Array {
  return new Uint32Array(memory.buffer, RING_START, (HEAP_START - RING_START) / 4);
}
