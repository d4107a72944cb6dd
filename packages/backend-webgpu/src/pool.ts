import { USAGE } from "./constants.js";

/** Bytes that the pool holds on to: a few batches of rows, and little beside what a GPU has. */
const KEPT_BYTES = 2 ** 28;
const SMALLEST = 256;

/** Storage buffers by capacity. Making one takes longer than most kernels. */
export class BufferPool {
  readonly #device: GPUDevice;
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #limits: readonly number[];
  #kept = 0;

  /** @param limits in order; a buffer that need not exceed one of them does not */
  constructor(device: GPUDevice, limits: readonly number[]) {
    this.#device = device;
    this.#limits = limits;
  }

  /** A buffer of at least this many bytes. A used one holds old values, and enqueued kernels may still need it. */
  take(bytes: number): { readonly buffer: GPUBuffer; readonly used: boolean } {
    const size = this.#capacity(bytes);
    const used = this.#free.get(size)?.pop();
    if (used) {
      this.#kept -= size;
      return { buffer: used, used: true };
    }
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyTarget;
    return { buffer: this.#device.createBuffer({ size, usage }), used: false };
  }

  /** Takes a buffer back; returns whether it is kept, else the caller destroys it. */
  give(buffer: GPUBuffer): boolean {
    if (this.#kept + buffer.size > KEPT_BYTES) return false;
    this.#kept += buffer.size;
    const list = this.#free.get(buffer.size);
    if (list) list.push(buffer);
    else this.#free.set(buffer.size, [buffer]);
    return true;
  }

  destroy(): void {
    for (const list of this.#free.values()) for (const buffer of list) buffer.destroy();
    this.#free.clear();
  }

  /** The next of 4, 5, 6 and 7 times a power of two: few different capacities, and at most a quarter wasted. */
  #capacity(bytes: number): number {
    if (bytes <= SMALLEST) return SMALLEST;
    const quarter = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
    const limit = this.#limits.find((most) => bytes <= most);
    return Math.min(Math.ceil(bytes / quarter) * quarter, limit ?? bytes);
  }
}
