export { packBinary, packUbinary, reverseBits, unpackBinary, unpackUbinary } from "./bytes.js";
export { type BitBytes, hammingDistances, type HammingNeighbours, hammingTopK } from "./hamming.js";
export { signPart } from "./part.js";
export { fitSign, type FitSignOptions } from "./sign-fit.js";
export { type SignFacts, SignModel } from "./sign-model.js";
export type { Estimates } from "./rabitq/estimate.js";
export type { RowFactors } from "./rabitq/factors.js";
export { type EstimateOptions, RabitqModel } from "./rabitq/model.js";
