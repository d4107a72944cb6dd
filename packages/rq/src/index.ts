export { fitRq, type FitRqOptions, quantizers } from "./fit.js";
export { ResidualModel, type ResidualFacts } from "./model.js";
export { residualPart } from "./part.js";
