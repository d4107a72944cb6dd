import {
  CodeRangeError,
  Codes,
  FormatError,
  hostTensor,
  type SafetensorsEntry,
} from "@tessera/core";
import { type Chunk, type ChunkSource, HeldChunk, type NewRows, sortByList } from "../chunk.js";
import { splitCodes } from "../plan.js";
import { type IndexFile, packedBytes, read } from "./format.js";

/** Rows that are read at a time. */
const CHUNK_ROWS = 2 ** 16;

/** Rows `start..end` of an index file, read when they are searched. */
export class StoredChunk implements ChunkSource {
  readonly transient = true;
  readonly size: number;
  readonly live: number;
  readonly deviation: number;
  readonly listRange: ChunkSource["listRange"];
  readonly #file: IndexFile;
  readonly #start: number;
  readonly #end: number;

  constructor(file: IndexFile, start: number, end: number) {
    this.#file = file;
    this.#start = start;
    this.#end = end;
    this.live = end - start;
    this.deviation = file.deviation;
    const lists = listsWithin(file.listCounts, start, end);
    this.size = lists?.places ?? this.live;
    this.listRange = lists;
  }

  async load(): Promise<Chunk> {
    const { plan } = this.#file;
    const held = HeldChunk.of(plan.layout, await this.readRows());
    if (!plan.lists) return held.chunk;
    const { chunk } = sortByList(plan.layout, held.chunk, plan.lists.first.codebook.rows);
    if (chunk.size !== this.size) throw new FormatError("the index's rows are not in their lists");
    return chunk;
  }

  async readIds(): Promise<Float64Array> {
    return this.#file.plan.lists ? (await this.load()).ids : this.#readIds();
  }

  /** @throws {FormatError} for what no row has */
  async readRows(): Promise<NewRows> {
    const { plan, scales, offsets, deviation, codes } = this.#file;
    const bytes = await this.#range(codes, packedBytes(plan.model));
    return {
      ...splitCodes(plan, unpack(bytes, plan.model.cardinalities)),
      ids: await this.#readIds(),
      scales: scales && (await this.#readFloats(scales)),
      offsets: offsets && (await this.#readFloats(offsets)),
      deviation,
    };
  }

  async #readIds(): Promise<Float64Array> {
    const { ids } = this.#file;
    if (!ids) return Float64Array.from({ length: this.live }, (_, i) => this.#start + i);
    const { data } = hostTensor("I64", [this.live], await this.#range(ids, 8));
    const numbers = Float64Array.from(data as BigInt64Array, Number);
    const bad = numbers.find((id) => !Number.isSafeInteger(id) || id < 0);
    if (bad !== undefined) throw new FormatError(`the index has the id ${bad}`);
    return numbers;
  }

  async #readFloats(entry: SafetensorsEntry): Promise<Float32Array> {
    const { data } = hostTensor("F32", [this.live], await this.#range(entry, 4));
    const bad = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new FormatError(`the index's ${entry.name} are not finite at row ${bad}`);
    return data as Float32Array;
  }

  #range({ start }: SafetensorsEntry, rowBytes: number): Promise<Uint8Array> {
    return read(this.#file.source, start + this.#start * rowBytes, start + this.#end * rowBytes);
  }
}

/** All rows of an index file, in order. */
export function storedChunks(file: IndexFile): StoredChunk[] {
  const chunks: StoredChunk[] = [];
  for (let start = 0; start < file.rows; start += CHUNK_ROWS) {
    chunks.push(new StoredChunk(file, start, Math.min(file.rows, start + CHUNK_ROWS)));
  }
  return chunks;
}

function unpack(bytes: Uint8Array, cardinalities: readonly number[]): Codes {
  try {
    return Codes.unpack(bytes, cardinalities);
  } catch (cause) {
    if (!(cause instanceof CodeRangeError)) throw cause;
    throw new FormatError(`the index's codes are not the model's: ${cause.message}`, { cause });
  }
}

/** The lists that rows `start..end` belong to, and the places that they take once each begins at a multiple of 32. */
function listsWithin(counts: Uint32Array | undefined, start: number, end: number) {
  if (!counts) return undefined;
  let first = -1;
  let last = -1;
  let places = 0;
  let at = 0;
  for (const [list, count] of counts.entries()) {
    const own = Math.min(end, at + count) - Math.max(start, at);
    if (own > 0) {
      if (first < 0) first = list;
      last = list;
      places += Math.ceil(own / 32) * 32;
    }
    at += count;
  }
  return { first, last, places };
}
