import type { Chunk, ListBounds } from "../chunk.js";

/** The lists that each query visits, nearest first, and its distance from their codewords: `[queries, count]`. */
export interface Visits {
  readonly count: number;
  readonly lists: Int32Array;
  readonly distances: Float32Array;
}

export function boundsOf(chunk: Chunk): ListBounds {
  if (!chunk.bounds) throw new TypeError("a chunk was searched before its rows were sorted");
  return chunk.bounds;
}
