import { bfloat16ToFloat32, float16ToFloat32 } from "./float16.js";

/**
 * The host array that holds each element type. F16 and BF16 are raw bits, which {@link toFloat32} converts; BOOL is one
 * byte each, 0 or 1.
 */
export interface HostArrays {
  F64: Float64Array;
  F32: Float32Array;
  F16: Uint16Array;
  BF16: Uint16Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
  I32: Int32Array;
  U32: Uint32Array;
  I16: Int16Array;
  U16: Uint16Array;
  I8: Int8Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

/** Element types of host tensors, by their names in safetensors. */
export type HostDType = keyof HostArrays;

/** A row-major array on the host. Test `dtype` to narrow the type of `data`. */
export type HostTensor = {
  [D in HostDType]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: HostArrays[D];
  };
}[HostDType];

interface ArrayConstructor<A> {
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
  new (buffer: ArrayBuffer): A;
}

/**
 * The array constructor of each element type, in the order in which safetensors' reference implementation writes them:
 * from wide to narrow, which keeps every tensor aligned.
 */
export const HOST_ARRAYS: { readonly [D in HostDType]: ArrayConstructor<HostArrays[D]> } = {
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
  F32: Float32Array,
  U32: Uint32Array,
  I32: Int32Array,
  BF16: Uint16Array,
  F16: Uint16Array,
  U16: Uint16Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** Bytes of one element of a host tensor. */
export function hostBytesPerElement(dtype: HostDType): number {
  return HOST_ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/** A host tensor over a copy of its little-endian bytes, which must be as many as the shape needs. */
export function hostTensor(
  dtype: HostDType,
  shape: readonly number[],
  bytes: Uint8Array,
): HostTensor {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return { dtype, shape, data: new HOST_ARRAYS[dtype](copy.buffer) } as HostTensor;
}

/**
 * The values as float32: rounded from F64, I32, U32, I64 and U64, exact from the others. A value too large becomes an
 * infinity. The data of an F32 tensor are returned as they are, not copied.
 */
export function toFloat32(tensor: HostTensor): Float32Array {
  switch (tensor.dtype) {
    case "F32":
      return tensor.data;
    case "F16":
      return float16ToFloat32(tensor.data);
    case "BF16":
      return bfloat16ToFloat32(tensor.data);
    case "I64":
    case "U64": {
      const values = new Float32Array(tensor.data.length);
      for (let i = 0; i < values.length; i++) values[i] = Number(tensor.data[i]!);
      return values;
    }
    default:
      return new Float32Array(tensor.data);
  }
}
