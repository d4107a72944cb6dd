import { ArgumentError, type Codes, ShapeError } from "@tessera/core";
import { type Collisions, NO_SUFFIX, SemanticIds } from "./ids.js";
import { groupStarts, sortRows } from "./sort.js";

export interface AssignOptions {
  /** What to do about items that share their codes; default `rank`. */
  readonly collisions?: Collisions | undefined;
  /**
   * `[rows]`: of the items that share their codes, the one with the highest priority gets rank 0, and so on; equal
   * priorities go by row. A popularity, for instance. Default: by row.
   */
  readonly priority?: ArrayLike<number> | undefined;
}

/**
 * Makes Semantic IDs of codes: one per row, unique unless `collisions` is `keep`.
 *
 * The suffix is the rank of the item among those that share its codes, as in TIGER (Rajput et al., "Recommender systems
 * with generative retrieval", NeurIPS 2023, section 3.1). Its cardinality is the size of the largest group. Ranked by
 * row (no `priority`), `rank` is stable: IDs of given rows do not change when rows are appended. With
 * `rank-on-collision` an item that was alone gets a suffix when another joins it, so that no ID is the start of another.
 *
 * @param codes `[rows, levels]`
 * @throws {ShapeError} if `priority` has not one value per row
 * @throws {ArgumentError} if a priority is NaN, or `collisions` is none of the three
 */
export function assignSemanticIds(codes: Codes, options: AssignOptions = {}): SemanticIds {
  const { collisions = "rank", priority } = options;
  if (!["rank", "rank-on-collision", "keep"].includes(collisions)) {
    throw new ArgumentError(
      `collisions is ${JSON.stringify(collisions)}; it must be "rank", "rank-on-collision" or "keep"`,
    );
  }
  if (priority !== undefined) checkPriority(priority, codes.rows);
  if (collisions === "keep") return new SemanticIds(codes);

  const sorted = sortRows(codes);
  const starts = groupStarts(sorted, codes.columns);
  const suffixes = new Int32Array(codes.rows).fill(NO_SUFFIX);
  for (let g = 0; g + 1 < starts.length; g++) {
    const rows = sorted.order.subarray(starts[g]!, starts[g + 1]!);
    if (rows.length === 1 && collisions === "rank-on-collision") continue;
    // Both sorts are stable, so equal priorities go by row; two infinities differ by NaN, which a sort takes for equal.
    if (priority !== undefined) rows.sort((a, b) => priority[b]! - priority[a]!);
    rows.forEach((row, rank) => {
      suffixes[row] = rank;
    });
  }
  return new SemanticIds(codes, suffixes, { collisions });
}

function checkPriority(priority: ArrayLike<number>, rows: number): void {
  if (priority.length !== rows) {
    throw new ShapeError(`${priority.length} priorities for ${rows} rows of codes`);
  }
  for (let i = 0; i < rows; i++) {
    if (typeof priority[i] !== "number" || Number.isNaN(priority[i])) {
      throw new ArgumentError(`priority of row ${i} is ${priority[i]}; it must be a number`);
    }
  }
}
