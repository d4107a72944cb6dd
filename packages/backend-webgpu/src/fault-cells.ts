import { USAGE } from "./constants.js";

/** Words of a cell: kind, row, column, value and limit of a fault, and three that align it. */
export const CELL_WORDS = 8;
export const CELL_BYTES: number = 4 * CELL_WORDS;

/** Cells at first; the buffer doubles when they are taken. */
const FIRST_CELLS = 1024;

/** Where the GPU keeps the first fault that a tensor depends on. Tensors share it. */
export class FaultCell {
  /** The host has seen that nothing was wrong. */
  sound = false;
  readonly number: number;
  readonly #free: (number: number) => void;
  #holds = 1;

  constructor(number: number, free: (number: number) => void) {
    this.number = number;
    this.#free = free;
  }

  retain(): this {
    this.#holds++;
    return this;
  }

  release(): void {
    if (--this.#holds === 0) this.#free(this.number);
  }
}

/** The buffer of all cells. Cell 0 is where kernels report to, and `settle` reads from; it is empty in between. */
export class FaultCells {
  readonly #device: GPUDevice;
  readonly #grown: (from: GPUBuffer, to: GPUBuffer) => void;
  readonly #free: number[] = [];
  #buffer: GPUBuffer;
  #next = 1;

  /** @param grown enqueues a copy of all cells to a larger buffer, and destroys the smaller one after it */
  constructor(device: GPUDevice, grown: (from: GPUBuffer, to: GPUBuffer) => void) {
    this.#device = device;
    this.#grown = grown;
    this.#buffer = this.#make(FIRST_CELLS);
  }

  get buffer(): GPUBuffer {
    return this.#buffer;
  }

  take(): FaultCell {
    const number = this.#free.pop() ?? this.#next++;
    if (number * CELL_BYTES >= this.#buffer.size) {
      const larger = this.#make((2 * this.#buffer.size) / CELL_BYTES);
      this.#grown(this.#buffer, larger);
      this.#buffer = larger;
    }
    return new FaultCell(number, (freed) => this.#free.push(freed));
  }

  #make(cells: number): GPUBuffer {
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyTarget;
    return this.#device.createBuffer({ size: cells * CELL_BYTES, usage });
  }
}
