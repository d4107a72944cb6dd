import { TesseraError, type DType, type TypedArrays } from "@tessera/core";
import type { Content } from "./reference-tensor.js";

/** What a kernel came to: its value, or the error that its results will reject with. */
export type Result<T> = { readonly value: T } | { readonly fault: TesseraError };

/** Runs a kernel unless an input is at fault already. */
export function run<T>(
  inputs: readonly (Content<DType> | undefined)[],
  kernel: () => T,
): Result<T> {
  for (const input of inputs) if (input?.fault) return { fault: input.fault };
  try {
    return { value: kernel() };
  } catch (error) {
    if (error instanceof TesseraError) return { fault: error };
    throw error;
  }
}

export function part<T, U>(result: Result<T>, choose: (value: T) => U): Result<U> {
  return "fault" in result ? result : { value: choose(result.value) };
}

/** The values of an input that {@link run} has found to be without fault. */
export function values<D extends DType>(content: Content<D>): TypedArrays[D] {
  if (content.fault) throw content.fault;
  return content.values;
}
