export { fitPq, type FitPqOptions, quantizers } from "./fit.js";
export { PqModel, type PqFacts } from "./pq-model.js";
export { splitPart } from "./part.js";
export { SharedSplitModel } from "./shared-split-model.js";
export { SplitModel, type SplitFacts } from "./split-model.js";
export { codeTables, type TableOptions, tableDistances } from "./tables.js";
