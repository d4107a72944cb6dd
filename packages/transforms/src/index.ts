export { CenterTransform } from "./center.js";
export type {
  AnyTransformPart,
  FittedTogether,
  TransformContext,
  TransformKind,
  TransformModel,
  TransformOf,
  TransformOptions,
  TransformPart,
} from "./contract.js";
export { HadamardTransform } from "./hadamard.js";
export { procrustes } from "./linear/polar.js";
export { randomOrthogonal } from "./linear/random-orthogonal.js";
export { TransformedModel, transformRows } from "./model.js";
export { type Moments, momentsOf } from "./moments.js";
export { NormalizeTransform } from "./normalize.js";
export { fitOpqRotation, type OpqOptions } from "./opq/fit.js";
export { createTransformedPart, transformedPart, transformParts } from "./part.js";
export { PcaTransform } from "./pca.js";
export { mapToPlane, type Plane, type PlaneMap, projectOnPlane } from "./plane.js";
export { restoreRotation, type RotationSpec, RotationTransform } from "./rotation.js";
