import { ArgumentError } from "./errors.js";
import type { Tensor } from "./tensor.js";

/** Keeps account of a backend's live tensors; backends build `scope()` and `memory()` on it. */
export class TensorLedger {
  readonly #bytes = new Map<Tensor, number>();
  readonly #scopes: Tensor[][] = [];
  #total = 0;

  /** Records a new tensor. `bytes` is 0 for one that shares another's storage. */
  add(tensor: Tensor, bytes: number): void {
    this.#bytes.set(tensor, bytes);
    this.#total += bytes;
    this.#scopes.at(-1)?.push(tensor);
  }

  remove(tensor: Tensor): void {
    this.#total -= this.#bytes.get(tensor) ?? 0;
    this.#bytes.delete(tensor);
  }

  /** Runs `body` and disposes every tensor recorded in it, except those found in its result. */
  scope<T>(body: () => T): T {
    const opened: Tensor[] = [];
    this.#scopes.push(opened);
    let result: T;
    try {
      result = body();
    } catch (error) {
      this.#scopes.pop();
      for (const tensor of opened) tensor.dispose();
      throw error;
    }
    this.#scopes.pop();
    if (typeof (result as { then?: unknown } | undefined)?.then === "function") {
      for (const tensor of opened) tensor.dispose();
      throw new ArgumentError("scope() was given an async function", {
        hint: "enqueue kernels inside scope() and await read() outside it",
      });
    }
    const kept = new Set<Tensor>();
    this.#collect(result, kept);
    for (const tensor of opened) {
      if (!kept.has(tensor)) tensor.dispose();
      // What leaves an inner scope belongs to the outer one.
      else if (!tensor.disposed) this.#scopes.at(-1)?.push(tensor);
    }
    return result;
  }

  get tensors(): readonly Tensor[] {
    return [...this.#bytes.keys()];
  }

  memory(): { tensors: number; bytes: number } {
    return { tensors: this.#bytes.size, bytes: this.#total };
  }

  /** Finds the recorded tensors in a value: itself, or inside arrays and plain objects. */
  #collect(value: unknown, found: Set<Tensor>): void {
    if (typeof value !== "object" || value === null) return;
    if (this.#bytes.has(value as Tensor)) found.add(value as Tensor);
    else if (Array.isArray(value)) for (const item of value) this.#collect(item, found);
    else if (Object.getPrototypeOf(value) === Object.prototype)
      for (const item of Object.values(value)) this.#collect(item, found);
  }
}

/** Something that can tell how many tensors it holds: every backend. */
export interface TensorAccount {
  memory(): { tensors: number; bytes: number };
}

/**
 * Runs `body` and throws if it leaves more or fewer tensors on the backend than it found.
 *
 * For tests; the message says how many and how many bytes.
 */
export async function expectNoLeaks<T>(
  backend: TensorAccount,
  body: () => T | Promise<T>,
): Promise<T> {
  const before = backend.memory();
  const result = await body();
  const after = backend.memory();
  if (after.tensors !== before.tensors) {
    const tensors = after.tensors - before.tensors;
    throw new ArgumentError(
      `${Math.abs(tensors)} tensors (${Math.abs(after.bytes - before.bytes)} bytes) were ${tensors > 0 ? "leaked" : "disposed twice over"}`,
    );
  }
  return result;
}
