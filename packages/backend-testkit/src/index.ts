export * from "./reference/assign.js";
export * from "./reference/beam.js";
export * from "./reference/codebooks.js";
export * from "./reference/dense.js";
export * from "./reference/scalar.js";
export * from "./reference/training/index.js";
export * from "./reference/scan.js";
export {
  createReferenceBackend,
  type ReferenceBackendOptions,
} from "./backend/reference-backend.js";
export * from "./generators.js";
export * from "./compare.js";
export { ConformanceError } from "./conformance/assertions.js";
export type { ConformanceCase, ConformanceOptions } from "./conformance/case.js";
export { identicalBitsCases } from "./conformance/identical.js";
export { conformanceCases } from "./conformance/suite.js";
