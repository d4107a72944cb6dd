export { type DeviceEncoder, encodeOnDevice } from "@tessera/backend";
export { fitVq, type FitVqOptions } from "./fit.js";
export { VqModel, type VqFacts } from "./model.js";
export { vqPart } from "./part.js";
