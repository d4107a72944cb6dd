export { type DeviceEncoder, encodeOnDevice } from "./encode.js";
export { fitVq, type FitVqOptions } from "./fit.js";
export { VqModel, type VqFacts } from "./model.js";
export { vqPart } from "./part.js";
