import type { Chunk, ChunkSource, ListBounds } from "../chunk.js";

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

/** Tells of chunks that are not in memory whether they have rows of a list that is visited. */
export function visitedChunks({ lists }: Visits): (source: ChunkSource) => boolean {
  const visited = new Set(lists);
  return ({ listRange }) => {
    if (!listRange) return true;
    for (let list = listRange.first; list <= listRange.last; list++) {
      if (visited.has(list)) return true;
    }
    return false;
  };
}
