import type { Codes } from "@tessera/core";
import type { CodeLayout, StoredCodes } from "./layout.js";

/** What is kept of rows beside their codes. */
export interface RowFactors {
  readonly scales?: Float32Array | undefined;
  readonly offsets?: Float32Array | undefined;
  /** The largest deviation of an estimate, as a share of the query's length. */
  readonly deviation: number;
}

/** Rows to be added, with their codes as the layout has them. */
export interface NewRows extends RowFactors {
  readonly codes: Codes;
  readonly ids: Float64Array;
  /** The list that each row belongs to, where there are lists. */
  readonly lists?: Uint32Array | undefined;
}

/** Where the rows of each list lie in a chunk. */
export interface ListBounds {
  /** Multiples of 32. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/**
 * Some tens of thousands of rows. Immutable: what is added makes a new chunk, which may share memory that this one does
 * not look at. A place may be empty (between lists); `allowed` then says so.
 */
export interface Chunk extends RowFactors {
  /** Places, empty ones included. */
  readonly size: number;
  /** Rows that can be found. */
  readonly live: number;
  readonly stored: StoredCodes;
  readonly ids: Float64Array;
  readonly lists?: Uint32Array | undefined;
  /** Bit i mod 8 of byte ⌊i / 8⌋ is 1 where place i holds a row that was not removed; all, if left out. */
  readonly allowed?: Uint8Array | undefined;
  /** Given once rows are sorted by list. */
  readonly bounds?: ListBounds | undefined;
}

/** A chunk in memory, or one that is read when it is needed. */
export interface ChunkSource {
  readonly size: number;
  readonly live: number;
  readonly deviation: number;
  /** The first and the last list that it has rows of, where that is known before it is read. */
  readonly listRange?: { readonly first: number; readonly last: number } | undefined;
  /** Whether the chunk is gone after use. */
  readonly transient: boolean;
  load(): Promise<Chunk>;
  /** Ids of all places; −1 where none is. */
  readIds(): Promise<Float64Array>;
}

/** A chunk in memory that may still grow. */
export class HeldChunk implements ChunkSource {
  readonly transient = false;
  readonly chunk: Chunk;
  readonly #room: Room;

  constructor(chunk: Chunk, room: Room) {
    this.chunk = chunk;
    this.#room = room;
  }

  static of(layout: CodeLayout, rows: NewRows): HeldChunk {
    const room = makeRoom(layout, rows, rows.codes.rows);
    return writeRows(layout, undefined, room, rows);
  }

  get size(): number {
    return this.chunk.size;
  }

  get live(): number {
    return this.chunk.live;
  }

  get deviation(): number {
    return this.chunk.deviation;
  }

  async load(): Promise<Chunk> {
    return this.chunk;
  }

  async readIds(): Promise<Float64Array> {
    return this.chunk.ids;
  }

  /** This chunk and more rows, in the same memory where there is room behind it. */
  append(layout: CodeLayout, rows: NewRows, capacity: number): HeldChunk {
    const { chunk } = this;
    const needed = chunk.size + rows.codes.rows;
    let room = this.#room;
    if (room.used !== chunk.size || room.capacity < needed) {
      room = makeRoom(layout, rows, Math.max(needed, Math.min(capacity, 2 * needed)));
      copyInto(room, chunk);
    }
    return writeRows(layout, chunk, room, rows);
  }

  /** The same rows, of which `allowed` can be found. */
  masked(allowed: Uint8Array, live: number): HeldChunk {
    return new HeldChunk({ ...this.chunk, allowed, live }, this.#room);
  }
}

/** Memory that chunks grow in. */
interface Room {
  readonly capacity: number;
  readonly stored: StoredCodes;
  readonly ids: Float64Array;
  readonly lists: Uint32Array | undefined;
  readonly scales: Float32Array | undefined;
  readonly offsets: Float32Array | undefined;
  /** Places that a chunk looks at. */
  used: number;
}

export function makeRoom(layout: CodeLayout, like: Partial<NewRows>, capacity: number): Room {
  return {
    capacity,
    stored: layout.allocate(capacity),
    ids: new Float64Array(capacity).fill(-1),
    lists: like.lists && new Uint32Array(capacity),
    scales: like.scales && new Float32Array(capacity),
    offsets: like.offsets && new Float32Array(capacity),
    used: 0,
  };
}

function copyInto(room: Room, chunk: Chunk): void {
  const { size } = chunk;
  room.stored.main.set(chunk.stored.main.subarray(0, room.stored.main.length));
  room.stored.extra.set(chunk.stored.extra.subarray(0, room.stored.extra.length));
  room.ids.set(chunk.ids.subarray(0, size));
  for (const name of ["lists", "scales", "offsets"] as const) {
    if (chunk[name]) room[name]?.set(chunk[name].subarray(0, size));
  }
  room.used = size;
}

function writeRows(
  layout: CodeLayout,
  before: Chunk | undefined,
  room: Room,
  rows: NewRows,
): HeldChunk {
  const start = before?.size ?? 0;
  const size = start + rows.codes.rows;
  layout.write(room.stored, rows.codes, start);
  room.ids.set(rows.ids, start);
  for (const name of ["lists", "scales", "offsets"] as const) {
    if (rows[name]) room[name]?.set(rows[name], start);
  }
  room.used = size;
  return new HeldChunk(
    {
      size,
      live: (before?.live ?? 0) + rows.codes.rows,
      stored: room.stored,
      ids: room.ids.subarray(0, size),
      lists: room.lists,
      scales: room.scales,
      offsets: room.offsets,
      deviation: Math.max(before?.deviation ?? 0, rows.deviation),
      allowed: before?.allowed && extended(before.allowed, start, size),
    },
    room,
  );
}

/** A mask with all bits from `start` on to `size` set as well. */
function extended(mask: Uint8Array, start: number, size: number): Uint8Array {
  const longer = new Uint8Array(Math.ceil(size / 8));
  longer.set(mask.subarray(0, longer.length));
  for (let i = start; i < size; i++) longer[i >> 3]! |= 1 << (i & 7);
  return longer;
}

/** Places that hold a row which was not removed. */
export function livePlaces({ size, live, allowed }: Chunk): Uint32Array {
  const places = new Uint32Array(live);
  for (let i = 0, at = 0; i < size; i++) {
    if (allowed === undefined || hasBit(allowed, i)) places[at++] = i;
  }
  return places;
}

/** Some rows of a chunk, to be added elsewhere. */
export function takeRows(layout: CodeLayout, chunk: Chunk, places: Uint32Array): NewRows {
  const floats = (values: Float32Array | undefined) =>
    values && Float32Array.from(places, (place) => values[place]!);
  return {
    codes: layout.pick(chunk.stored, places),
    ids: Float64Array.from(places, (place) => chunk.ids[place]!),
    lists: chunk.lists && places.map((place) => chunk.lists![place]!),
    scales: floats(chunk.scales),
    offsets: floats(chunk.offsets),
    deviation: chunk.deviation,
  };
}

export function hasBit(mask: Uint8Array, i: number): boolean {
  return ((mask[i >> 3]! >> (i & 7)) & 1) === 1;
}

/**
 * The rows of a chunk sorted by list, those of a list in the order in which they were; each list begins at a multiple of
 * 32.
 */
export function sortByList(layout: CodeLayout, chunk: Chunk, listCount: number): HeldChunk {
  const rows = takeRows(layout, chunk, livePlaces(chunk));
  const lists = rows.lists!;
  const ends = new Int32Array(listCount);
  for (const list of lists) ends[list]!++;
  const starts = new Int32Array(listCount);
  let size = 0;
  for (let list = 0; list < listCount; list++) {
    const count = ends[list]!;
    starts[list] = size;
    ends[list] = size;
    size += Math.ceil(count / 32) * 32;
  }
  const places = lists.map((list) => ends[list]!++);
  const room = makeRoom(layout, rows, size);
  const allowed = new Uint8Array(Math.ceil(size / 8));
  layout.write(room.stored, rows.codes, 0, places);
  places.forEach((place, i) => {
    room.ids[place] = rows.ids[i]!;
    room.lists![place] = lists[i]!;
    if (rows.scales) room.scales![place] = rows.scales[i]!;
    if (rows.offsets) room.offsets![place] = rows.offsets[i]!;
    allowed[place >> 3]! |= 1 << (place & 7);
  });
  room.used = size;
  return new HeldChunk(
    {
      size,
      live: lists.length,
      stored: room.stored,
      ids: room.ids,
      lists: room.lists,
      scales: room.scales,
      offsets: room.offsets,
      deviation: rows.deviation,
      allowed,
      bounds: { starts, ends },
    },
    room,
  );
}
