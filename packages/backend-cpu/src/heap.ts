import { BackendError } from "@tessera/core";
import type { DeviceMemory } from "./memory.js";

const ALIGNMENT = 64;
const PAGE = 65536;

interface FreeBlock {
  address: number;
  bytes: number;
  /** Commands enqueued when it was freed; it is idle once that many have run. */
  freedAt: number;
}

/**
 * Blocks of a device's memory, kept on the caller's thread.
 *
 * A freed block may be given to a kernel's output at once, since commands run in order. What the caller itself writes
 * must wait until the block is idle; `allocate` then looks only at such blocks.
 */
export class Heap {
  readonly #memory: DeviceMemory;
  /** Free blocks by address. */
  readonly #free: FreeBlock[] = [];
  #top: number;
  #used = 0;

  constructor(memory: DeviceMemory) {
    this.#memory = memory;
    this.#top = memory.start;
  }

  /** Bytes in use, headers and rounding included. */
  get used(): number {
    return this.#used;
  }

  /**
   * @param bytes how many
   * @param idleAt if given, only blocks whose last command is among the first `idleAt`
   * @returns the block's address, a multiple of 64
   * @throws {BackendError} if the memory cannot grow by that much
   */
  allocate(bytes: number, idleAt: number = Infinity): number {
    const size = roundUp(bytes);
    const address = this.#reuse(size, idleAt) ?? this.#extend(size, idleAt);
    this.#used += size;
    return address;
  }

  /** @param freedAt commands enqueued so far, any of which may still use the block */
  free(address: number, bytes: number, freedAt: number): void {
    const size = roundUp(bytes);
    this.#used -= size;
    const at = this.#indexOf(address);
    this.#free.splice(at, 0, { address, bytes: size, freedAt });
  }

  #reuse(size: number, idleAt: number): number | undefined {
    const best = this.#bestFit(size, idleAt);
    if (best >= 0) return this.#take(best, size);
    this.#merge(idleAt);
    const merged = this.#bestFit(size, idleAt);
    return merged >= 0 ? this.#take(merged, size) : undefined;
  }

  #bestFit(size: number, idleAt: number): number {
    let best = -1;
    for (let i = 0; i < this.#free.length; i++) {
      const block = this.#free[i]!;
      if (block.bytes < size || block.freedAt > idleAt) continue;
      if (block.bytes === size) return i;
      if (best < 0 || block.bytes < this.#free[best]!.bytes) best = i;
    }
    return best;
  }

  #take(index: number, size: number): number {
    const block = this.#free[index]!;
    const { address } = block;
    if (block.bytes === size) this.#free.splice(index, 1);
    else {
      block.address += size;
      block.bytes -= size;
    }
    return address;
  }

  /** Joins neighbours, but never a block that is idle with one that is not. */
  #merge(idleAt: number): void {
    let kept = 0;
    for (const block of this.#free) {
      const last = kept > 0 ? this.#free[kept - 1]! : undefined;
      const joins =
        last !== undefined &&
        last.address + last.bytes === block.address &&
        last.freedAt <= idleAt === block.freedAt <= idleAt;
      if (joins) {
        last.bytes += block.bytes;
        last.freedAt = Math.max(last.freedAt, block.freedAt);
      } else {
        this.#free[kept++] = block;
      }
    }
    this.#free.length = kept;
  }

  #extend(size: number, idleAt: number): number {
    // A free block at the end need only be lengthened.
    const last = this.#free.at(-1);
    const joins =
      last !== undefined && last.address + last.bytes === this.#top && last.freedAt <= idleAt;
    const address = joins ? last.address : this.#top;
    const end = address + size;
    this.#growTo(end, size);
    if (joins) this.#free.pop();
    this.#top = end;
    return address;
  }

  #growTo(end: number, asked: number): void {
    const { start, end: held, limit } = this.#memory;
    if (end <= held) return;
    if (end <= limit) {
      const least = Math.ceil((end - held) / PAGE);
      const generous = Math.floor(
        Math.min(Math.max(end - held, (held - start) / 4), limit - held) / PAGE,
      );
      // If the host refuses that much, the least that will do comes next.
      if (this.#memory.grow(Math.max(least, generous) * PAGE)) return;
      if (this.#memory.grow(least * PAGE)) return;
    }
    throw new BackendError(
      `could not allocate ${asked} bytes: ${this.#used} of at most ${limit - start} are in use`,
      { hint: "dispose tensors, or work on smaller batches and await their results" },
    );
  }

  #indexOf(address: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#free[middle]!.address < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Coarser for larger blocks, so that those of about one size can take each other's place. */
function roundUp(bytes: number): number {
  const step = bytes > 2 ** 18 ? 4096 : ALIGNMENT;
  return Math.ceil(bytes / step) * step;
}
