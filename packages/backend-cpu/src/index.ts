export { createCpuBackend, type CpuBackendOptions } from "./create.js";
