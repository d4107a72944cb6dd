import { ArgumentError, type Codes, ShapeError } from "@tessera/core";
import { groupStarts, type SortedRows, sortRows } from "./sort.js";

export interface AnalyseOptions {
  /**
   * `[rows]`, none negative: how much each row counts in `collidingShare`, such as how often it is asked for.
   * Default: all rows alike.
   */
  readonly weights?: ArrayLike<number> | undefined;
}

/** Figures of one level (column) of a code matrix. */
export interface LevelAnalysis {
  /** Codes that the level could use. */
  readonly cardinality: number;
  /** Codes that it does use. */
  readonly usedCodes: number;
  /** exp of the entropy of code usage: as many equally used codes would be as even. 0 without rows. */
  readonly perplexity: number;
  /** Distinct prefixes that end at this level: nodes of the prefix tree at this depth. */
  readonly distinctPrefixes: number;
}

/** Figures of a code matrix as item IDs. */
export interface CodeAnalysis {
  readonly rows: number;
  /** Distinct code rows. */
  readonly distinct: number;
  /** (rows − distinct) / rows, as LC-Rec, LETTER and MiniOneRec report it. 0 without rows. */
  readonly collisionRate: number;
  /** Rows that share their codes with another. */
  readonly collidingRows: number;
  /** Their share of all rows, or of all weight: how often an ID that is asked for names more than one item. */
  readonly collidingShare: number;
  /** Rows in the largest group that shares its codes. */
  readonly largestGroup: number;
  /** How many groups there are of each size that occurs, smallest size first. */
  readonly groupSizes: readonly { readonly size: number; readonly groups: number }[];
  readonly levels: readonly LevelAnalysis[];
}

/**
 * Collisions and code usage of a code matrix, in O(rows · levels).
 *
 * @param codes `[rows, levels]`
 * @throws {ShapeError} if `weights` has not one value per row
 * @throws {ArgumentError} if a weight is negative or not finite
 */
export function analyseCodes(codes: Codes, options: AnalyseOptions = {}): CodeAnalysis {
  const { rows, columns } = codes;
  const { weights } = options;
  if (weights !== undefined) checkWeights(weights, rows);
  const sorted = sortRows(codes);
  const starts = groupStarts(sorted, columns);
  const distinct = starts.length - 1;

  const groupsBySize = new Map<number, number>();
  let colliding = 0;
  let collidingWeight = 0;
  let weight = 0;
  for (let g = 0; g < distinct; g++) {
    const size = starts[g + 1]! - starts[g]!;
    groupsBySize.set(size, (groupsBySize.get(size) ?? 0) + 1);
    if (size > 1) colliding += size;
    if (weights === undefined) continue;
    for (let i = starts[g]!; i < starts[g + 1]!; i++) {
      const own = weights[sorted.order[i]!]!;
      weight += own;
      if (size > 1) collidingWeight += own;
    }
  }
  const groupSizes = [...groupsBySize]
    .map(([size, groups]) => ({ size, groups }))
    .sort((a, b) => a.size - b.size);
  return {
    rows,
    distinct,
    collisionRate: ratio(rows - distinct, rows),
    collidingRows: colliding,
    collidingShare: weights === undefined ? ratio(colliding, rows) : ratio(collidingWeight, weight),
    largestGroup: groupSizes.at(-1)?.size ?? 0,
    groupSizes,
    levels: analyseLevels(codes, sorted),
  };
}

/** Items that share all their codes. */
export interface CollisionGroup {
  readonly codes: readonly number[];
  /** Their rows, ascending; at least two. */
  readonly rows: Uint32Array;
}

/** The groups of rows that share all their codes: the largest first, equal ones by their first row. */
export function collisionGroups(codes: Codes): CollisionGroup[] {
  const sorted = sortRows(codes);
  const starts = groupStarts(sorted, codes.columns);
  const groups: CollisionGroup[] = [];
  for (let g = 0; g + 1 < starts.length; g++) {
    if (starts[g + 1]! - starts[g]! < 2) continue;
    const rows = sorted.order.subarray(starts[g]!, starts[g + 1]!);
    groups.push({ codes: Array.from(codes.row(rows[0]!)), rows });
  }
  return groups.sort((a, b) => b.rows.length - a.rows.length || a.rows[0]! - b.rows[0]!);
}

function analyseLevels(codes: Codes, sorted: SortedRows): LevelAnalysis[] {
  const { data, rows, columns } = codes;
  const opened = new Float64Array(columns + 1);
  for (const column of sorted.firstDifference) opened[column]!++;
  let distinctPrefixes = 0;
  return codes.cardinalities.map((cardinality, column) => {
    distinctPrefixes += opened[column]!;
    const counts = new Uint32Array(cardinality);
    for (let at = column; at < data.length; at += columns) counts[data[at]!]!++;
    let usedCodes = 0;
    let entropy = 0;
    for (const count of counts) {
      if (count === 0) continue;
      usedCodes++;
      entropy -= (count / rows) * Math.log(count / rows);
    }
    const perplexity = rows === 0 ? 0 : Math.exp(entropy);
    return { cardinality, usedCodes, perplexity, distinctPrefixes };
  });
}

function checkWeights(weights: ArrayLike<number>, rows: number): void {
  if (weights.length !== rows) {
    throw new ShapeError(`${weights.length} weights for ${rows} rows of codes`);
  }
  for (let i = 0; i < rows; i++) {
    if (!(Number.isFinite(weights[i]) && weights[i]! >= 0)) {
      throw new ArgumentError(`weight of row ${i} is ${weights[i]}; it must be finite, 0 or more`);
    }
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
