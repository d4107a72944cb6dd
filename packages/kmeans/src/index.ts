export {
  exchangeRefine,
  type ExchangeOptions,
  type ExchangeResult,
  exchangeRowLimit,
} from "./exchange.js";
export { fitKmeans } from "./fit.js";
export {
  checkGroups,
  fitKmeansGroups,
  type GroupedKmeansOptions,
  type GroupedKmeansResult,
} from "./grouped.js";
export type { GroupResult } from "./grouped-lloyd.js";
export type {
  KmeansInit,
  KmeansMetric,
  KmeansOptions,
  KmeansResult,
  KmeansStop,
} from "./options.js";
export { blockRows } from "./source.js";
export {
  mergeStatistics,
  reduceStatistics,
  updateCentroids,
  type KmeansStatistics,
  type UpdateOptions,
} from "./statistics.js";
export { kmeansStep, type KmeansStepOptions } from "./step.js";
