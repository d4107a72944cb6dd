import type * as nodeOsModule from "node:os";
import type { Addon, AddonDevice } from "./native-addon.js";
import type { DeviceMemory } from "./memory.js";

/** Kernels count elements in 32 bits. */
const MAX_BLOCK_BYTES = 2 ** 33;
const LEAST_RESERVED = 2 ** 30;

/** Memory of the native engine: addresses are those of the process. */
export class NativeMemory implements DeviceMemory {
  readonly start: number;
  readonly limit: number;
  readonly maxBlockBytes: number;
  end: number;
  readonly #addon: Addon;
  readonly #device: AddonDevice;

  constructor(addon: Addon, device: AddonDevice, base: number, bytes: number) {
    this.#addon = addon;
    this.#device = device;
    this.start = base;
    this.end = base;
    this.limit = base + bytes;
    this.maxBlockBytes = Math.min(MAX_BLOCK_BYTES, bytes);
  }

  grow(bytes: number): boolean {
    const done = this.#addon.commit(this.#device, this.end + bytes - this.start);
    if (done) this.end += bytes;
    return done;
  }

  write(address: number, data: ArrayBufferView): void {
    this.#addon.write(this.#device, address, data);
  }

  read(address: number, target: ArrayBufferView): void {
    this.#addon.read(this.#device, address, target);
  }

  addressOf(data: ArrayBufferView): number {
    return this.#addon.addressOf(data);
  }
}

/** How much address space to reserve: as many bytes as the machine, or the container, has memory; a little less each time. */
export function reservations(): number[] {
  const os: typeof nodeOsModule = process.getBuiltinModule("node:os");
  const constrained = process.constrainedMemory?.() ?? 0;
  const total = os.totalmem();
  const bytes = constrained > 0 && constrained < total ? constrained : total;
  const sizes: number[] = [];
  for (let size = bytes; size >= LEAST_RESERVED; size /= 2)
    sizes.push(Math.floor(size / 65536) * 65536);
  return sizes.length > 0 ? sizes : [LEAST_RESERVED];
}
