export { exactSearch, type ExactSearchOptions, recallAt } from "./exact.js";
export type { IndexSource } from "./file/format.js";
export { loadIndex } from "./file/load.js";
export { openIndexSource, StoredIndex } from "./file/stored-index.js";
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
