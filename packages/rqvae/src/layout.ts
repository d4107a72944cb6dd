import type { Tensor, TrainingBackend } from "@tessera/core";
import { sizeOf } from "@tessera/core";

/** A parameter's place in the vector of all parameters. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: number;
}

/**
 * All parameters of a network as one vector, so that an optimizer's step is one launch. Those with weight decay come
 * first. Every parameter starts at a multiple of 64 values, which is where devices like a buffer's part to start; what
 * lies between is 0 and stays so.
 */
export interface Layout {
  readonly slots: readonly Slot[];
  /** Length of the part with weight decay. */
  readonly decayed: number;
  readonly size: number;
}

const ALIGNMENT = 64;

/** A parameter to place. */
export interface Placed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly decay: boolean;
}

export function layOut(parameters: readonly Placed[]): Layout {
  const slots: Slot[] = [];
  let start = 0;
  const place = (wanted: boolean): void => {
    for (const { name, shape, decay } of parameters) {
      if (decay !== wanted) continue;
      slots.push({ name, shape, start });
      start += Math.ceil(sizeOf(shape) / ALIGNMENT) * ALIGNMENT;
    }
  };
  place(true);
  const decayed = start;
  place(false);
  return { slots, decayed, size: start };
}

/** Every parameter as a view of its part of a vector, by name. */
export function viewsOf(
  backend: TrainingBackend,
  vector: Tensor<"float32">,
  { slots }: Layout,
): ReadonlyMap<string, Tensor<"float32">> {
  return new Map(
    slots.map(({ name, shape, start }) => {
      const part = backend.slice(vector, start, start + sizeOf(shape));
      const view = backend.reshape(part, shape);
      part.dispose();
      return [name, view];
    }),
  );
}

/** A parameter's values in a vector on the host, not copied. */
export function valuesOf(vector: Float32Array, { slots }: Layout, name: string): Float32Array {
  const slot = slots.find((each) => each.name === name);
  if (!slot) throw new RangeError(`no parameter is called ${name}`);
  return vector.subarray(slot.start, slot.start + sizeOf(slot.shape));
}
