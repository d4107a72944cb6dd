import type { Matrix, Model, Quantizers } from "@tessera/core";
import type { SearchOptions, SearchResult } from "../options.js";
import { runSearch } from "../run-search.js";
import { type IndexFile, type IndexSource, openIndexFile } from "./format.js";
import { storedChunks } from "./stored-chunk.js";

/** An index that stays where it is stored: its rows are read as they are searched, in bounded memory. */
export class StoredIndex {
  readonly model: Model;
  readonly #file: IndexFile;

  constructor(file: IndexFile) {
    this.#file = file;
    this.model = file.plan.model;
  }

  /** Number of rows. */
  get size(): number {
    return this.#file.rows;
  }

  /** Lists that rows are sorted into; 0 without. */
  get lists(): number {
    return this.#file.listCounts?.length ?? 0;
  }

  /**
   * As `SearchIndex.search`.
   *
   * @throws {FormatError} if the file's rows are not what its header says
   */
  search(queries: Matrix, options: SearchOptions = {}): Promise<SearchResult> {
    return runSearch(this.#file.plan, storedChunks(this.#file), queries, options);
  }
}

/**
 * Opens an index file where it is: of a `Blob`, or in Node see `openIndex` of `@tessera/search/node`.
 *
 * @param quantizers what loads the model: made with the parts of its spec
 * @throws {FormatError} if it is no index file, {@link VersionError} if it is newer than this build
 */
export async function openIndexSource(
  source: IndexSource,
  quantizers: Pick<Quantizers, "load">,
): Promise<StoredIndex> {
  return new StoredIndex(await openIndexFile(source, quantizers));
}
