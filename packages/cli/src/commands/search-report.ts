import { extname } from "node:path";
import { encodeNpy } from "@tessera/io";
import { writeFileAtomic } from "@tessera/io/node";
import type { SearchResult } from "@tessera/search";
import type { Context } from "../context.js";
import { duration, figure, grouped, plural, table } from "../text.js";
import type { Queries } from "./search-queries.js";
import type { SearchTarget } from "./search-target.js";
import { fileName, roundSeconds } from "./shared.js";

/** Queries whose neighbours are shown. */
const SHOWN_QUERIES = 5;

export interface SearchFacts {
  readonly path: string;
  readonly seconds: number;
  readonly queries: Queries;
  readonly labels: readonly string[] | undefined;
  readonly target: SearchTarget;
}

/** Writes all neighbours: JSON with distances, or ids alone as int32 `[queries, k]`, −1 where there is none. */
export async function writeNeighbours(
  path: string | undefined,
  found: SearchResult,
  { signal, note }: Context,
): Promise<void> {
  if (path === undefined) return;
  const bytes =
    extname(path).toLowerCase() === ".npy"
      ? encodeNpy(Int32Array.from(found.ids), [found.queries, found.k])
      : new TextEncoder().encode(`${JSON.stringify(neighbourLists(found))}\n`);
  await writeFileAtomic(path, bytes, { signal });
  note(`wrote ${path}`);
}

/** Prints the neighbours of the first queries, or all of them as JSON. */
export function reportNeighbours(found: SearchResult, facts: SearchFacts, context: Context): void {
  const { path, seconds, queries, labels, target } = facts;
  context.json({
    spec: target.spec,
    rows: target.size,
    queries: found.queries,
    k: found.k,
    seconds: roundSeconds(seconds),
    ...neighbourLists(found),
  });
  const { paint, print } = context;
  print(
    `${paint(target.spec, "bold")} search of ${fileName(path)}: ${found.queries === 1 ? "1 query" : `${grouped(found.queries)} queries`} in ${plural(target.size, "row")}, ${duration(seconds)}`,
  );
  for (let q = 0; q < Math.min(SHOWN_QUERIES, found.queries); q++) {
    print();
    const rows = neighboursOf(found, q).map(([id, distance], place) => [
      String(place + 1),
      figure(distance),
      labels?.[id] ?? `row ${id}`,
    ]);
    const [head, ...lines] = table([["", "distance", queries.name(q)], ...rows], [2]);
    print(paint(head!, "dim"));
    for (const line of lines) print(line);
  }
  if (found.queries > SHOWN_QUERIES) {
    print();
    print(`and ${grouped(found.queries - SHOWN_QUERIES)} more; --out FILE or --json gives all`);
  }
}

function neighbourLists(found: SearchResult): { ids: number[][]; distances: number[][] } {
  const lists = Array.from({ length: found.queries }, (_, q) => neighboursOf(found, q));
  return {
    ids: lists.map((list) => list.map(([id]) => id)),
    distances: lists.map((list) => list.map(([, distance]) => distance)),
  };
}

function neighboursOf({ ids, distances, k }: SearchResult, query: number): [number, number][] {
  const list: [number, number][] = [];
  for (let at = query * k; at < (query + 1) * k && ids[at]! >= 0; at++) {
    list.push([ids[at]!, distances[at]!]);
  }
  return list;
}
