import {
  ArgumentError,
  checkCodes,
  Codes,
  encodeBatches,
  joinCodes,
  type Matrix,
  type Model,
  type Rows,
  ShapeError,
  throwIfAborted,
} from "@tessera/core";
import {
  type Chunk,
  hasBit,
  HeldChunk,
  livePlaces,
  type NewRows,
  sortByList,
  takeRows,
} from "./chunk.js";
import { saveIndex } from "./file/save.js";
import { checkIds, type Ids } from "./ids.js";
import type { AddOptions, IndexOptions, SearchOptions, SearchResult } from "./options.js";
import { factorsOf, hasOffsets, hasSigns, makePlan, type Plan, splitCodes } from "./plan.js";
import { runSearch } from "./run-search.js";

/** Rows of a chunk; with lists more, so that a list has some blocks in each. */
const CHUNK_ROWS = 2 ** 18;
const MOST_CHUNK_ROWS = 2 ** 20;
const ROWS_PER_LIST = 256;
/** Removed rows are dropped once they are more than this share. */
const MOST_REMOVED = 0.25;

/**
 * A searchable collection of rows, kept as the codes of a model. `createIndex` makes an empty one.
 *
 * The index changes as rows are added and removed; its model does not. A search sees the rows of the moment in which it
 * was called, whatever is added or removed while it runs.
 */
export class SearchIndex {
  readonly model: Model;
  readonly #plan: Plan;
  #chunks: readonly HeldChunk[] = [];
  #nextId = 0;

  /** @throws {ArgumentError} if the model does not fit the options */
  constructor(model: Model, options: IndexOptions = {}) {
    const { lists = false } = options;
    const symmetric = options.symmetric ?? (!lists && hasSigns(model));
    this.model = model;
    this.#plan = makePlan(model, { lists, symmetric });
  }

  /** Number of rows that can be found. */
  get size(): number {
    return this.#chunks.reduce((sum, { live }) => sum + live, 0);
  }

  /** The settings that it was created with. */
  get settings(): Required<{ readonly [K in keyof IndexOptions]: boolean }> {
    return this.#plan.settings;
  }

  /** Lists that rows are sorted into; 0 without. */
  get lists(): number {
    return this.#plan.lists?.first.codebook.rows ?? 0;
  }

  /** Bytes that the index keeps of a row: its codes, and what scanning needs beside them. Its id takes 8 more. */
  get bytesPerVector(): number {
    return bytesPerVector(this.#plan);
  }

  /**
   * Adds rows, or codes that the model made of them: all of them or, after an error, none.
   *
   * @param rows `[n, d]`, a stream of such batches, or codes with all of the model's columns
   * @returns the ids of the rows, in order
   * @throws {ArgumentError} for an id that is no integer from 0, or is there already
   * @throws {ShapeError | NonFiniteError | CodeRangeError} for rows or codes that the model does not take
   */
  async add(rows: Rows | Codes, options: AddOptions = {}): Promise<Float64Array> {
    const { backend, signal } = options;
    throwIfAborted(signal);
    const codes = rows instanceof Codes ? this.#checked(rows) : await this.#encode(rows, options);
    const split = splitCodes(this.#plan, codes);
    const parts: Omit<NewRows, "ids">[] = [];
    for (let start = 0; start < codes.rows; start += CHUNK_ROWS) {
      const part = sliceNew(split, start, Math.min(codes.rows, start + CHUNK_ROWS));
      parts.push({ ...part, ...(await factorsOf(this.#plan, part, backend)) });
      throwIfAborted(signal);
    }
    // From here on nothing waits, so that the index changes at once.
    const ids = this.#newIds(options.ids, codes.rows);
    let chunks = this.#chunks;
    let start = 0;
    for (const part of parts) {
      const end = start + part.codes.rows;
      chunks = this.#append(chunks, { ...part, ids: ids.slice(start, end) });
      start = end;
    }
    this.#chunks = chunks;
    this.#nextId = ids.reduce((next, id) => Math.max(next, id + 1), this.#nextId);
    return ids;
  }

  /**
   * Removes rows by id; ids that are not there are passed over.
   *
   * @returns the number of rows removed
   */
  remove(ids: Ids | ReadonlySet<number>): number {
    const gone = new Set<number>(ids as Iterable<number>);
    const before = this.size;
    const chunks = this.#chunks.map((held) => without(held, gone)).filter(({ live }) => live > 0);
    const places = chunks.reduce((sum, { chunk }) => sum + filledPlaces(chunk), 0);
    this.#chunks = chunks;
    if (places - this.size > MOST_REMOVED * places) this.#compact();
    return before - this.size;
  }

  /**
   * The nearest rows to each query, by the distances of what their codes stand for.
   *
   * @param queries `[q, d]`
   * @throws {ShapeError | NonFiniteError} naming a query that is none
   * @throws {ArgumentError} for an option out of range
   */
  search(queries: Matrix, options: SearchOptions = {}): Promise<SearchResult> {
    if (this.#plan.lists) this.#sort();
    return runSearch(this.#plan, this.#chunks, queries, options);
  }

  /** The bytes of a `.safetensors` file with the model and all rows, which `loadIndex` and `openIndex` read. */
  save(): Uint8Array {
    return saveIndex(
      this.#plan,
      this.#chunks.map(({ chunk }) => chunk),
      this.#nextId,
    );
  }

  /**
   * Takes over the rows of a file.
   *
   * @internal
   * @throws {ArgumentError} for ids that are there twice
   */
  restore(parts: readonly NewRows[], nextId: number): void {
    const ids = new Float64Array(parts.reduce((sum, part) => sum + part.ids.length, 0));
    let at = 0;
    for (const part of parts) {
      ids.set(part.ids, at);
      at += part.ids.length;
    }
    checkIds(ids, ids.length);
    let chunks = this.#chunks;
    for (const part of parts) chunks = this.#append(chunks, part);
    this.#chunks = chunks;
    this.#nextId = ids.reduce((next, id) => Math.max(next, id + 1), nextId);
  }

  #checked(codes: Codes): Codes {
    const checked = checkCodes(this.model, codes);
    if (checked.columns === this.model.cardinalities.length) return checked;
    throw new ShapeError(
      `the codes have ${codes.columns} columns; an index takes all ${this.model.cardinalities.length}`,
    );
  }

  async #encode(rows: Rows, { backend, signal, onProgress }: AddOptions): Promise<Codes> {
    const parts: Codes[] = [];
    for await (const part of encodeBatches(this.model, rows, { backend, signal, onProgress })) {
      parts.push(part);
    }
    return parts.length > 0 ? joinCodes(parts) : new Codes([], this.model.cardinalities);
  }

  #newIds(ids: Ids | undefined, rows: number): Float64Array {
    if (ids === undefined) return Float64Array.from({ length: rows }, (_, i) => this.#nextId + i);
    const checked = checkIds(ids, rows);
    const known = checked.some((id) => id < this.#nextId) ? this.#firstKnown(checked) : undefined;
    if (known !== undefined) throw new ArgumentError(`id ${known} is in the index already`);
    return checked;
  }

  #firstKnown(ids: Float64Array): number | undefined {
    const wanted = new Set(ids);
    for (const { chunk } of this.#chunks) {
      for (const place of livePlaces(chunk)) {
        if (wanted.has(chunk.ids[place]!)) return chunk.ids[place];
      }
    }
    return undefined;
  }

  #append(chunks: readonly HeldChunk[], rows: NewRows): readonly HeldChunk[] {
    const { layout } = this.#plan;
    const capacity = this.#chunkRows();
    const last = chunks.at(-1);
    if (!last || last.live >= capacity) return [...chunks, HeldChunk.of(layout, rows)];
    const fitting = Math.min(rows.codes.rows, capacity - last.live);
    // Rows that are sorted have no room between them.
    const base = last.chunk.bounds
      ? HeldChunk.of(layout, takeRows(layout, last.chunk, livePlaces(last.chunk)))
      : last;
    const joined = [
      ...chunks.slice(0, -1),
      base.append(layout, sliceNew(rows, 0, fitting), capacity),
    ];
    if (fitting === rows.codes.rows) return joined;
    return [...joined, HeldChunk.of(layout, sliceNew(rows, fitting, rows.codes.rows))];
  }

  #chunkRows(): number {
    return Math.min(MOST_CHUNK_ROWS, Math.max(CHUNK_ROWS, ROWS_PER_LIST * this.lists));
  }

  #sort(): void {
    this.#chunks = this.#chunks.map((held) =>
      held.chunk.bounds ? held : sortByList(this.#plan.layout, held.chunk, this.lists),
    );
  }

  #compact(): void {
    const { layout } = this.#plan;
    let chunks: readonly HeldChunk[] = [];
    for (const { chunk } of this.#chunks) {
      chunks = this.#append(chunks, takeRows(layout, chunk, livePlaces(chunk)));
    }
    this.#chunks = chunks;
  }
}

/**
 * An empty index over the codes of a model. Any model of the algebra does.
 *
 * @throws {ArgumentError} if the model does not fit the options
 */
export function createIndex(model: Model, options: IndexOptions = {}): SearchIndex {
  return new SearchIndex(model, options);
}

function bytesPerVector(plan: Plan): number {
  const { layout, lists, estimator } = plan;
  const scales = estimator ? 4 : 0;
  const offsets = hasOffsets(plan) ? 4 : 0;
  return layout.rowBytes + layout.extraBytes + scales + offsets + (lists ? 4 : 0);
}

/** Rows `start..end` of new rows. */
function sliceNew<T extends Partial<NewRows> & Pick<NewRows, "codes">>(
  rows: T,
  start: number,
  end: number,
): T {
  const { codes, ids, lists, scales, offsets } = rows;
  const { columns } = codes;
  return {
    ...rows,
    codes: new Codes(codes.data.subarray(start * columns, end * columns), codes.cardinalities),
    ids: ids?.subarray(start, end),
    lists: lists?.subarray(start, end),
    scales: scales?.subarray(start, end),
    offsets: offsets?.subarray(start, end),
  };
}

/** Places that would be filled had no row been removed: empty ones between lists do not count. */
function filledPlaces({ ids }: Chunk): number {
  let rows = 0;
  for (const id of ids) if (id >= 0) rows++;
  return rows;
}

function without(held: HeldChunk, gone: ReadonlySet<number>): HeldChunk {
  const { chunk } = held;
  let mask: Uint8Array | undefined;
  let live = chunk.live;
  for (let i = 0; i < chunk.size; i++) {
    if (!gone.has(chunk.ids[i]!) || (chunk.allowed && !hasBit(chunk.allowed, i))) continue;
    mask ??= chunk.allowed?.slice() ?? new Uint8Array(Math.ceil(chunk.size / 8)).fill(255);
    mask[i >> 3]! &= ~(1 << (i & 7));
    live--;
  }
  return mask ? held.masked(mask, live) : held;
}
