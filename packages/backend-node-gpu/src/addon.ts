/** TensorFlow's numbers for element types, as in its C API. */
export const TYPE = { float32: 1, float64: 2, int32: 3, uint8: 4, bool: 10 } as const;
export type ElementType = (typeof TYPE)[keyof typeof TYPE];

/** TensorFlow's numbers for kinds of attributes. */
export const ATTRIBUTE = { int: 1, float: 2, bool: 3, type: 4 } as const;

export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean;
}

export type HostArray = Float32Array | Int32Array | Uint8Array;

/**
 * The native addon of `@tensorflow/tfjs-node`, as far as it is used here: it runs any of TensorFlow's eager operations on
 * tensors known by number. What TensorFlow.js offers of them has no float64 and no bytes; the addon has.
 */
export interface Addon {
  /** On the CPU the array's memory may be used in place. */
  createTensor(shape: readonly number[], type: number, data: HostArray): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): HostArray;
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): { readonly id: number; readonly shape: readonly number[]; readonly dtype: ElementType }[];
  isUsingGpuDevice(): boolean;
  readonly TF_Version: string;
}
