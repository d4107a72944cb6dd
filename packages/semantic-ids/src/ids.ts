import { ArgumentError, Codes, ShapeError } from "@tessera/core";
import { groupStarts, sortRows } from "./sort.js";
import { formatToken } from "./tokens.js";

/**
 * What is done about items that share their codes.
 *
 * - `rank`: every item gets one more code, its rank 0, 1, 2, … among the items that share its codes (TIGER).
 * - `rank-on-collision`: only items that share their codes with another get that rank; the others stay shorter.
 * - `keep`: nothing; items may share a Semantic ID.
 */
export type Collisions = "rank" | "rank-on-collision" | "keep";

/** No suffix, in {@link SemanticIds.suffixes}. */
export const NO_SUFFIX = -1;

/**
 * The Semantic IDs of a catalogue, one per row: the codes of a quantizer and, where items would collide, a suffix.
 *
 * Immutable. With `rank` and `rank-on-collision` no two rows have the same ID.
 */
export class SemanticIds {
  readonly collisions: Collisions;
  /** The quantizer's codes, without suffix: `[rows, levels]`. */
  readonly codes: Codes;
  /** `[rows]`: each row's suffix, or −1 where it has none. Absent with `keep`. */
  readonly suffixes: Int32Array | undefined;
  /** Suffixes are 0..suffixCardinality − 1. 0 with `keep`. */
  readonly suffixCardinality: number;

  /**
   * Takes IDs that exist; {@link assignSemanticIds} makes them from codes.
   *
   * @param suffixes `[rows]`, −1 for none; leave out for `keep`
   * @param options `collisions`: default `keep` without suffixes, else `rank` if every row has one and
   *   `rank-on-collision` if not. `suffixCardinality`: default the largest suffix + 1
   * @throws {ShapeError} if there is not one suffix per row
   * @throws {ArgumentError} if a suffix is out of range, is missing or too many for the mode, or if two IDs are equal
   */
  constructor(
    codes: Codes,
    suffixes?: Int32Array | undefined,
    options: {
      readonly collisions?: Collisions | undefined;
      readonly suffixCardinality?: number | undefined;
    } = {},
  ) {
    const collisions =
      options.collisions ??
      (suffixes === undefined
        ? "keep"
        : suffixes.includes(NO_SUFFIX)
          ? "rank-on-collision"
          : "rank");
    if ((suffixes === undefined) !== (collisions === "keep")) {
      throw new ArgumentError(
        suffixes === undefined
          ? `collisions "${collisions}" needs a suffix per row`
          : 'collisions "keep" takes no suffixes',
      );
    }
    if (suffixes !== undefined && suffixes.length !== codes.rows) {
      throw new ShapeError(`${suffixes.length} suffixes for ${codes.rows} rows of codes`);
    }
    let largest = 0;
    suffixes?.forEach((suffix) => {
      if (suffix > largest) largest = suffix;
    });
    this.collisions = collisions;
    this.codes = codes;
    this.suffixes = suffixes;
    this.suffixCardinality =
      suffixes === undefined ? 0 : (options.suffixCardinality ?? largest + 1);
    if (suffixes !== undefined) {
      const name = (row: number) => `row ${row}`;
      const problem = suffixProblem(codes, suffixes, collisions, this.suffixCardinality, name);
      if (problem !== undefined) {
        throw new ArgumentError(`${name(problem.row)} ${problem.what}`);
      }
    }
  }

  /** How many items. */
  get rows(): number {
    return this.codes.rows;
  }

  /** How many codes come from the quantizer. */
  get levels(): number {
    return this.codes.columns;
  }

  /** The Semantic ID of one row: its codes, then its suffix if it has one. */
  id(row: number): number[] {
    const id = Array.from(this.codes.row(row));
    const suffix = this.suffixes?.[row] ?? NO_SUFFIX;
    if (suffix !== NO_SUFFIX) id.push(suffix);
    return id;
  }

  /** The tokens of one row, such as `["<a_12>", "<b_7>", "<c_200>"]`; a suffix takes the letter after the last level. */
  tokens(row: number): string[] {
    return this.id(row).map((code, level) => formatToken(level, code));
  }

  /**
   * The IDs as one matrix: the codes alone with `keep`, else `[rows, levels + 1]`.
   *
   * With `rank-on-collision` the last column is 0 where there is no suffix and suffix + 1 where there is one.
   */
  toCodes(): Codes {
    const { codes, suffixes } = this;
    if (suffixes === undefined) return codes;
    const shift = this.collisions === "rank" ? 0 : 1;
    const columns = codes.columns;
    const data = new Uint32Array(codes.rows * (columns + 1));
    for (let i = 0; i < codes.rows; i++) {
      const at = i * (columns + 1);
      for (let j = 0; j < columns; j++) data[at + j] = codes.data[i * columns + j]!;
      data[at + columns] = suffixes[i]! + shift;
    }
    return new Codes(data, [...codes.cardinalities, this.suffixCardinality + shift]);
  }
}

/** The first row that breaks a rule of its mode, and which; `name` is what the caller calls a row. */
export function suffixProblem(
  codes: Codes,
  suffixes: Int32Array,
  collisions: Collisions,
  cardinality: number,
  name: (row: number) => string,
): { row: number; what: string } | undefined {
  const smallest = collisions === "rank" ? 0 : NO_SUFFIX;
  for (let row = 0; row < suffixes.length; row++) {
    const suffix = suffixes[row]!;
    if (suffix === NO_SUFFIX && collisions === "rank") return { row, what: "has no suffix" };
    if (suffix < smallest || suffix >= cardinality) {
      return { row, what: `has suffix ${suffix}, outside 0..${cardinality - 1}` };
    }
  }
  const sorted = sortRows(codes);
  const starts = groupStarts(sorted, codes.columns);
  for (let g = 0; g + 1 < starts.length; g++) {
    const rows = sorted.order.subarray(starts[g]!, starts[g + 1]!);
    if (rows.length === 1) {
      const row = rows[0]!;
      if (collisions === "rank-on-collision" && suffixes[row] !== NO_SUFFIX) {
        return { row, what: "has a suffix, but shares its codes with no other row" };
      }
      continue;
    }
    const seen = new Map<number, number>();
    for (const row of rows) {
      const other = seen.get(suffixes[row]!);
      if (other !== undefined) return { row, what: `has the same Semantic ID as ${name(other)}` };
      seen.set(suffixes[row]!, row);
    }
  }
  return undefined;
}
