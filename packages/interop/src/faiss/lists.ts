import { FormatError } from "@tessera/core";
import { checkLength, type FaissReader } from "./reader.js";
import { bytesOf, type FaissWriter } from "./writer.js";

/** The entries of all inverted lists, by their ids. */
export interface ListEntries {
  /** The list of each entry. */
  readonly assignments: Uint32Array;
  /** `[n, codeBytes]` */
  readonly packed: Uint8Array;
  /** Left out if they are 0, 1, 2, … */
  readonly ids?: BigInt64Array;
}

/** `ArrayInvertedLists`. Entries come back in the order of their ids; those of one id, in the order of the file. */
export function readLists(
  reader: FaissReader,
  expected: { readonly lists: number; readonly codeBytes: number; readonly count: number },
): ListEntries {
  const kind = reader.fourcc("the class of the inverted lists");
  if (kind !== "ilar") {
    throw new FormatError(`faiss index: inverted lists of class "${kind}"; only "ilar" is known`, {
      hint: "lists on disk have to be read into memory by faiss first",
    });
  }
  const { lists, codeBytes, count } = expected;
  checkLength(reader.size("the number of lists"), lists, "the table of inverted lists");
  checkLength(reader.size("the bytes of a code"), codeBytes, "a code in the inverted lists");
  const sizes = readSizes(reader, lists);
  const bytes = codeBytes + 8;
  let all = 0;
  for (const size of sizes.values()) all += size;
  checkLength(all, count, "the inverted lists");
  if (all * bytes > reader.left) reader.bytes(all * bytes, "the inverted lists");
  const packed = new Uint8Array(all * codeBytes);
  const ids = new BigInt64Array(all);
  const assignments = new Uint32Array(all);
  let at = 0;
  for (const [list, size] of sizes) {
    packed.set(reader.bytes(size * codeBytes, "the codes of a list"), at * codeBytes);
    ids.set(reader.int64s(size, "the ids of a list"), at);
    assignments.fill(list, at, at + size);
    at += size;
  }
  return byId({ assignments, packed, ids }, codeBytes);
}

/** Sizes of the lists that are not empty, in the order of the lists. */
function readSizes(reader: FaissReader, lists: number): Map<number, number> {
  const form = reader.fourcc("the form of the list sizes");
  const values = reader.sizeVector("the list sizes");
  const sizes = new Map<number, number>();
  if (form === "full") {
    checkLength(values.length, lists, "the list sizes");
    values.forEach((size, list) => size > 0 && sizes.set(list, size));
    return sizes;
  }
  if (form !== "sprs" || values.length % 2 !== 0) {
    throw new FormatError(`faiss index: list sizes of form "${form}", ${values.length} of them`);
  }
  let last = -1;
  for (let i = 0; i < values.length; i += 2) {
    const list = values[i]!;
    if (list <= last || list >= lists) {
      throw new FormatError(`faiss index: list ${list} of ${lists} comes after list ${last}`);
    }
    sizes.set(list, values[i + 1]!);
    last = list;
  }
  return sizes;
}

function byId(entries: Required<ListEntries>, codeBytes: number): ListEntries {
  const { ids } = entries;
  const places = placesOf(ids);
  const order = places ?? sortedPlaces(ids);
  const packed = new Uint8Array(entries.packed.length);
  const sorted = new BigInt64Array(ids.length);
  const assignments = new Uint32Array(ids.length);
  order.forEach((from, to) => {
    const code = entries.packed.subarray(from * codeBytes, (from + 1) * codeBytes);
    packed.set(code, to * codeBytes);
    sorted[to] = ids[from]!;
    assignments[to] = entries.assignments[from]!;
  });
  return { assignments, packed, ...(places ? {} : { ids: sorted }) };
}

/** Where each of the ids 0, 1, 2, … is, if they are all there: in most indexes, and much sooner found than sorted. */
function placesOf(ids: BigInt64Array): Uint32Array | undefined {
  const count = ids.length;
  const places = new Uint32Array(count).fill(count);
  for (let at = 0; at < count; at++) {
    const id = Number(ids[at]!);
    if (places[id] !== count) return undefined;
    places[id] = at;
  }
  return places;
}

/** Places from the least id to the greatest; of equal ids, in the order of the file. */
function sortedPlaces(ids: BigInt64Array): Uint32Array {
  const places = Uint32Array.from(ids.keys());
  return places.sort((a, b) => (ids[a]! < ids[b]! ? -1 : ids[a]! > ids[b]! ? 1 : a - b));
}

export function writeLists(
  writer: FaissWriter,
  lists: number,
  codeBytes: number,
  { assignments, packed, ids }: ListEntries,
): void {
  const sizes = new Uint32Array(lists);
  for (const list of assignments) sizes[list]!++;
  const ends = new Uint32Array(lists);
  let all = 0;
  sizes.forEach((size, list) => (ends[list] = all += size));
  // Entry numbers list by list, each list's in their order.
  const order = new Uint32Array(all);
  const next = ends.map((end, list) => end - sizes[list]!);
  assignments.forEach((list, entry) => (order[next[list]!++] = entry));

  writer.fourcc("ilar");
  writer.size(lists);
  writer.size(codeBytes);
  writer.fourcc("full");
  writer.sizeVector([...sizes]);
  sizes.forEach((size, list) => {
    const entries = order.subarray(ends[list]! - size, ends[list]);
    const codes = new Uint8Array(size * codeBytes);
    entries.forEach((entry, i) => {
      codes.set(packed.subarray(entry * codeBytes, (entry + 1) * codeBytes), i * codeBytes);
    });
    writer.bytes(codes);
    writer.bytes(bytesOf(BigInt64Array.from(entries, (entry) => ids?.[entry] ?? BigInt(entry))));
  });
}
