export { fitScalar, type FitScalarOptions } from "./fit.js";
export { lloydMaxLevels, uniformLoading } from "./gaussian.js";
export { ScalarModel } from "./model.js";
export { scalarPart } from "./part.js";
