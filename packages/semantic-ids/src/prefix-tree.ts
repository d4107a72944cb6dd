import { ArgumentError, type Codes } from "@tessera/core";
import { groupStarts, sortRows } from "./sort.js";

/**
 * The nodes at one depth of a {@link PrefixTree}, one per distinct prefix of `depth + 1` codes, in lexicographic order.
 *
 * Typed arrays throughout, so that a tree can be handed to a worker or a GPU as it is.
 */
export interface PrefixNodes {
  /** `[nodes]`: the last code of each prefix; ascending among siblings. */
  readonly codes: Uint32Array;
  /** `[nodes + 1]`: the children of node i are the nodes childStarts[i] .. childStarts[i + 1] − 1 of the next depth. */
  readonly childStarts: Uint32Array;
  /** `[nodes + 1]`: the items under node i are rows[itemStarts[i]] .. rows[itemStarts[i + 1] − 1]. */
  readonly itemStarts: Uint32Array;
}

/** A node met by {@link PrefixTree.walk}. */
export interface PrefixNode {
  /** The codes from the root to this node. */
  readonly prefix: readonly number[];
  /** Items under it. */
  readonly count: number;
  /** Their rows: a view, ordered by code and then by row. */
  readonly items: Uint32Array;
}

const NOTHING = new Uint32Array(0);

/**
 * The prefixes of a catalogue's codes as a tree, in flat typed arrays (compressed sparse rows). A leaf is a whole code row
 * and holds every item that has it.
 *
 * Built in O(rows · levels); a look-up costs a binary search per code. `childrenOf` is the set of codes that a constrained
 * decoder may emit next.
 */
export class PrefixTree {
  readonly cardinalities: readonly number[];
  /** `[rows]`: row numbers in lexicographic order of their codes; equal ones ascend. */
  readonly rows: Uint32Array;
  /** One entry per level. */
  readonly nodes: readonly PrefixNodes[];

  /** @param codes `[rows, levels]`; of Semantic IDs with a suffix, `ids.toCodes()` */
  constructor(codes: Codes) {
    const { data, columns } = codes;
    const sorted = sortRows(codes);
    const itemStarts = Array.from({ length: columns }, (_, depth) =>
      groupStarts(sorted, depth + 1),
    );
    this.cardinalities = codes.cardinalities;
    this.rows = sorted.order;
    this.nodes = itemStarts.map((starts, depth) => {
      const last = new Uint32Array(starts.length - 1);
      for (let node = 0; node < last.length; node++) {
        last[node] = data[sorted.order[starts[node]!]! * columns + depth]!;
      }
      return {
        codes: last,
        childStarts: matchStarts(starts, itemStarts[depth + 1]),
        itemStarts: starts,
      };
    });
  }

  /** Codes in a whole row. */
  get levels(): number {
    return this.nodes.length;
  }

  /** Whether some item's codes start with this prefix. The empty prefix is in every tree. */
  has(prefix: ArrayLike<number>): boolean {
    return this.#find(prefix) !== undefined;
  }

  /** How many items' codes start with this prefix. */
  count(prefix: ArrayLike<number>): number {
    return this.itemsUnder(prefix).length;
  }

  /**
   * The codes that follow this prefix, ascending: a view. Empty if no item has the prefix, or if it is a whole row.
   *
   * @throws {ArgumentError} if the prefix is longer than a row
   */
  childrenOf(prefix: ArrayLike<number>): Uint32Array {
    const found = this.#find(prefix);
    const next = this.nodes[prefix.length];
    if (found === undefined || next === undefined) return NOTHING;
    return next.codes.subarray(found.firstChild, found.endChild);
  }

  /**
   * The rows of the items whose codes start with this prefix, ordered by code and then by row: a view.
   *
   * @throws {ArgumentError} if the prefix is longer than a row
   */
  itemsUnder(prefix: ArrayLike<number>): Uint32Array {
    const found = this.#find(prefix);
    return found === undefined ? NOTHING : this.rows.subarray(found.firstItem, found.endItem);
  }

  /**
   * All nodes, depth first, codes ascending; a node comes before its children. The root is left out.
   *
   * @param options `maxDepth`: longest prefix to visit; default whole rows
   */
  *walk(options: { readonly maxDepth?: number | undefined } = {}): Generator<PrefixNode, void> {
    const depths = Math.min(options.maxDepth ?? this.levels, this.levels);
    if (!(depths >= 1)) return;
    // Per depth, the next node to visit; a node's children follow one another, so its parent's end bounds them.
    const next = [0];
    const ends = [this.nodes[0]!.codes.length];
    const prefix: number[] = [];
    while (next.length > 0) {
      const depth = next.length - 1;
      const { codes, childStarts, itemStarts } = this.nodes[depth]!;
      const node = next[depth]!;
      if (node === ends[depth]!) {
        next.pop();
        ends.pop();
        prefix.pop();
        continue;
      }
      next[depth] = node + 1;
      prefix[depth] = codes[node]!;
      const items = this.rows.subarray(itemStarts[node]!, itemStarts[node + 1]!);
      yield { prefix: prefix.slice(0, depth + 1), count: items.length, items };
      if (depth + 1 < depths) {
        next.push(childStarts[node]!);
        ends.push(childStarts[node + 1]!);
      }
    }
  }

  #find(
    prefix: ArrayLike<number>,
  ): { firstChild: number; endChild: number; firstItem: number; endItem: number } | undefined {
    if (prefix.length > this.levels) {
      throw new ArgumentError(
        `prefix of ${prefix.length} codes in a tree of ${this.levels} levels`,
      );
    }
    let firstChild = 0;
    let endChild = this.nodes[0]!.codes.length;
    let firstItem = 0;
    let endItem = this.rows.length;
    for (let depth = 0; depth < prefix.length; depth++) {
      const { codes, childStarts, itemStarts } = this.nodes[depth]!;
      const node = search(codes, firstChild, endChild, prefix[depth]!);
      if (node === undefined) return undefined;
      firstChild = childStarts[node]!;
      endChild = childStarts[node + 1]!;
      firstItem = itemStarts[node]!;
      endItem = itemStarts[node + 1]!;
    }
    return { firstChild, endChild, firstItem, endItem };
  }
}

/** For each start, its place among the finer starts; a leaf has no finer ones, and then no children. */
function matchStarts(starts: Uint32Array, finer: Uint32Array | undefined): Uint32Array {
  const places = new Uint32Array(starts.length);
  if (finer === undefined) return places;
  for (let i = 0, at = 0; i < starts.length; i++) {
    while (finer[at]! < starts[i]!) at++;
    places[i] = at;
  }
  return places;
}

/** Where `code` stands in the ascending codes[from .. to − 1]. */
function search(codes: Uint32Array, from: number, to: number, code: number): number | undefined {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (codes[middle]! < code) low = middle + 1;
    else high = middle;
  }
  return low < to && codes[low] === code ? low : undefined;
}
