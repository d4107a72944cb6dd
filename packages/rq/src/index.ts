export { fitRq, type FitRqOptions, quantizers } from "./fit.js";
export { ResidualModel, type ResidualFacts, type ResidualSpecOptions } from "./model.js";
export {
  type AdditiveModel,
  codeNorms,
  NormTables,
  quantizeNorms,
  type QuantizedNorms,
  restoreNorms,
} from "./norms.js";
export { residualPart } from "./part.js";
