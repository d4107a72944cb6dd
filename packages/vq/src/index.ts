export { type DeviceEncoder, encodeOnDevice } from "@tessera/backend";
export {
  EmaCodebook,
  type EmaCodebookOptions,
  type EmaStep,
  type EmaStepOptions,
} from "./ema/codebook.js";
export type { EmaOptions } from "./ema/options.js";
export { fitVq, type FitVqOptions } from "./fit.js";
export { fitFsq, type FitFsqOptions } from "./fsq/fit.js";
export { fsqDigits, fsqIndices, lfqBits, lfqIndices } from "./fsq/indices.js";
export { type FsqBound, fsqBound } from "./fsq/network.js";
export { type FsqFacts, FsqModel, type FsqScales } from "./fsq/model.js";
export { VqModel, type VqFacts } from "./model.js";
export { createVqPart, fsqPart, vqPart, type VqPartOptions } from "./part.js";
export { sampleCodes, type SampleCodesOptions } from "./sample-codes.js";
