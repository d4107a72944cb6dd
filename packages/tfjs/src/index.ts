export type { Estimator } from "./codebook/estimate.js";
export { registerGradients } from "./gradients/index.js";
export { decodeScalars, fsqIndices, lfqIndices } from "./scalar/codes.js";
export type { EntropyOptions } from "./scalar/entropy.js";
export {
  finiteScalarQuantize,
  lookupFreeQuantize,
  type LookupFreeOptions,
  type LookupFreeQuantized,
  type ScalarQuantized,
} from "./scalar/quantize.js";
export {
  decodeResiduals,
  decodeVectors,
  residualQuantize,
  vectorQuantize,
  type VectorQuantized,
  type VectorQuantizeOptions,
} from "./vector.js";
