import {
  add,
  cast,
  equal,
  expandDims,
  gather,
  greater,
  maximum,
  min,
  mul,
  range,
  scalar,
  square,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  transpose,
} from "@tensorflow/tfjs-core";
import { product } from "../tensors.js";

/**
 * The index of the codeword nearest to each row, the lowest among equals: argmin_k ½‖c_k‖² − x·c_k.
 *
 * `argMin` is of no use here: on TensorFlow.js's WebGPU backend it breaks ties by chance. The least score is the same in
 * whatever order scores are compared, and so is the least index that has it.
 *
 * @param rows `[n, d]`
 * @param codebook `[K, d]`
 * @returns `[n]` of int32, in 0..K − 1 whatever the rows hold
 */
export function nearest(rows: Tensor2D, codebook: Tensor2D): Tensor1D {
  const size = codebook.shape[0];
  const halfNorms = mul(sum(square(codebook), 1), 0.5);
  const scores = sub<Tensor2D>(halfNorms, product(rows, transpose(codebook)));
  const further = greater(scores, min(scores, 1, true));
  // Indices are exact in float32 up to 2²⁴.
  const indices = add(mul(cast(further, "float32"), size), range(0, size));
  return cast(min<Tensor1D>(indices, 1), "int32");
}

/** The codewords of codes, `[n, d]`; of code 0 where there is none. */
export function lookUp(codebook: Tensor2D, codes: Tensor1D): Tensor2D {
  return gather(codebook, maximum<Tensor1D>(codes, scalar(0, "int32")));
}

/** Which row has which code, `[K, n]`: 1 or 0, and all 0 for a row without a code. */
export function membership(codes: Tensor1D, size: number): Tensor2D {
  const all = expandDims(range(0, size, 1, "int32"), 1);
  return cast(equal(all, expandDims(codes, 0)), "float32");
}

/** The sums of the rows of each code, `[K, d]`: as a product, since scattered additions differ from run to run. */
export function sumsByCode(rows: Tensor2D, codes: Tensor1D, size: number): Tensor2D {
  return product(membership(codes, size), rows);
}
