import type { FaultCell } from "./fault-cells.js";

/** A buffer with the number of tensors that look at it, and where the fault of what computed it is. */
export class Storage {
  readonly buffer: GPUBuffer;
  /** Told once nobody holds the storage any more. */
  readonly #free: (storage: Storage) => void;
  #holds = 1;
  #cell: FaultCell | undefined;

  constructor(buffer: GPUBuffer, free: (storage: Storage) => void) {
    this.buffer = buffer;
    this.#free = free;
  }

  /** Undefined where nothing can be wrong. */
  get cell(): FaultCell | undefined {
    return this.#cell?.sound === true ? undefined : this.#cell;
  }

  /** Takes over one hold on the cell, in place of the one before. */
  blame(cell: FaultCell): void {
    this.#cell?.release();
    this.#cell = cell;
  }

  retain(): this {
    this.#holds++;
    return this;
  }

  release(): void {
    if (--this.#holds > 0) return;
    this.#cell?.release();
    this.#free(this);
  }
}
