import { ArgumentError, ShapeError } from "@tessera/core";

/** Ids of rows: whole numbers from 0. */
export type Ids = readonly number[] | Int32Array | Uint32Array | Float64Array;

/**
 * Checks ids from outside.
 *
 * @throws {ArgumentError} naming an id that is none or is there twice
 */
export function checkIds(ids: Ids, rows: number): Float64Array {
  if (ids.length !== rows) throw new ShapeError(`there are ${ids.length} ids for ${rows} rows`);
  const checked = Float64Array.from(ids);
  for (const id of checked) {
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new ArgumentError(`id ${id} is no integer from 0 to 2^53 - 1`);
    }
  }
  const sorted = checked.toSorted();
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] === sorted[i - 1]) throw new ArgumentError(`id ${sorted[i]} is given twice`);
  }
  return checked;
}

/** Which rows a search may find: a predicate, or the ids themselves. */
export type IdFilter = ((id: number) => boolean) | ReadonlySet<number> | Ids;

export function toPredicate(filter: IdFilter): (id: number) => boolean {
  if (typeof filter === "function") return filter;
  const ids: ReadonlySet<number> =
    filter instanceof Set ? filter : new Set(filter as Iterable<number>);
  return (id) => ids.has(id);
}
