export type { TensorflowBackend } from "./backend.js";
export { createTensorflowBackend, type TensorflowBackendOptions } from "./create.js";
export type { TensorflowInfo } from "./info.js";
