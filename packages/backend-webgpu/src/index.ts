export type { WebGpuBackend } from "./backend.js";
export { createWebGpuBackend, type WebGpuBackendOptions } from "./create.js";
export type { AdapterFacts, WebGpuInfo } from "./info.js";
