/** Element types that device tensors may have. */
export type DType = "float32" | "int32" | "uint32" | "uint8";

export interface TypedArrays {
  float32: Float32Array;
  int32: Int32Array;
  uint32: Uint32Array;
  uint8: Uint8Array;
}

/** A host array of any element type that tensors may have. */
export type TensorData = TypedArrays[DType];

/** The element type of a host array: `Float32Array` gives `"float32"`. */
export type DTypeOf<A extends TensorData> = {
  [D in DType]: A extends TypedArrays[D] ? D : never;
}[DType];

/**
 * A row-major array on a backend's device.
 *
 * A tensor may not have been computed yet: kernels enqueue and return at once. `read()` waits for it, and is where
 * an error of the kernel that made it (or of one before it) surfaces.
 */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  readonly disposed: boolean;
  /** Copies the values to the host. Safe against a `dispose()` that follows before the promise settles. */
  read(): Promise<TypedArrays[D]>;
  /** Frees the device memory once the kernels already enqueued no longer need it. Calling it again does nothing. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** `Symbol.dispose`, also where the engine does not have it yet. */
export const disposeSymbol: typeof Symbol.dispose =
  Symbol.dispose ?? (Symbol.for("Symbol.dispose") as typeof Symbol.dispose);

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return dtype === "uint8" ? 1 : 4;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** The element type of a typed array, or `undefined` for one that tensors do not have. */
export function dtypeOf<A extends TensorData>(data: A): DTypeOf<A> | undefined {
  let dtype: DType | undefined;
  if (data instanceof Float32Array) dtype = "float32";
  else if (data instanceof Int32Array) dtype = "int32";
  else if (data instanceof Uint32Array) dtype = "uint32";
  else if (data instanceof Uint8Array) dtype = "uint8";
  return dtype as DTypeOf<A> | undefined;
}

/** A zero-filled host array of an element type. */
export function allocate<D extends DType>(dtype: D, size: number): TypedArrays[D] {
  switch (dtype as DType) {
    case "float32":
      return new Float32Array(size) as TypedArrays[D];
    case "int32":
      return new Int32Array(size) as TypedArrays[D];
    case "uint32":
      return new Uint32Array(size) as TypedArrays[D];
    case "uint8":
      return new Uint8Array(size) as TypedArrays[D];
  }
}
