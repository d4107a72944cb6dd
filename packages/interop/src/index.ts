export { UnsupportedError } from "./errors.js";
export type { FaissImport, FaissLists, FaissMetric } from "./faiss/import.js";
export { readFaiss } from "./faiss/read.js";
export { type WriteFaissOptions, writeFaiss, writeFaissFlat } from "./faiss/write.js";
export { readVectorQuantizePytorch, type VectorQuantizePytorchOptions } from "./torch/read.js";
export { writeVectorQuantizePytorch } from "./torch/write.js";
