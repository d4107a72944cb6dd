export { exactSearch, type ExactSearchOptions, recallAt } from "./exact.js";
export type { IdFilter, Ids } from "./ids.js";
export type { Metric } from "./metric.js";
export type {
  AddOptions,
  ExactRows,
  IndexOptions,
  SearchOptions,
  SearchResult,
} from "./options.js";
export { createIndex, SearchIndex } from "./search-index.js";
