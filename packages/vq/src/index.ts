export { type DeviceEncoder, encodeOnDevice } from "./encode.js";
export {
  exchangeRefine,
  type ExchangeOptions,
  type ExchangeResult,
  exchangeRowLimit,
} from "./exchange.js";
export { fitVq, type FitVqOptions } from "./fit.js";
export { VqModel, type VqFacts } from "./model.js";
export { vqPart } from "./part.js";
export { type SampledRows, sampleRows, withSampledRows } from "./sample.js";
