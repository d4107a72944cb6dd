export { CellCodec } from "./cells.js";
export type { ScalarCodec } from "./codec.js";
export { fitScalar, type FitScalarOptions } from "./fit.js";
export { HalfCodec } from "./half.js";
export { lloydMaxLevels, uniformLoading } from "./gaussian.js";
export { ScalarModel } from "./model.js";
export { scalarPart } from "./part.js";
export { ScaledCodec } from "./scaled.js";
export { UniformCodec } from "./uniform.js";
