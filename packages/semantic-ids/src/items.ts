import { ArgumentError, Codes, FormatError, MAX_CARDINALITY, ShapeError } from "@tessera/core";
import type { JsonScanner } from "./json-scanner.js";
import { type Collisions, NO_SUFFIX, SemanticIds, suffixProblem } from "./ids.js";
import { quoteShort } from "./tokens.js";

/** Semantic IDs with the name of each item. */
export interface ItemIds {
  /** `[rows]`: the items' own ids, all different, in row order. */
  readonly items: readonly string[];
  readonly ids: SemanticIds;
}

/** Throws unless there is one name per row and all differ: what a file cannot hold should not be written. */
export function checkItems({ items, ids }: ItemIds): void {
  if (items.length !== ids.rows) {
    throw new ShapeError(`${items.length} items for ${ids.rows} Semantic IDs`);
  }
  const seen = new Set<string>();
  items.forEach((item, row) => {
    if (seen.has(item)) {
      throw new ArgumentError(`item ${quoteShort(item)} at row ${row} occurs twice`, {
        hint: "each item needs an id of its own",
      });
    }
    seen.add(item);
  });
}

/** The `{"item": [element, …], …}` of both file formats, as read. */
export interface ScannedItems {
  readonly items: string[];
  /** All elements of all rows, one row after another. */
  readonly elements: number[];
  /** Elements per row; none is 0. */
  readonly lengths: number[];
}

/** The white space around the pieces, each as first seen. */
export interface ScannedSpacing {
  open: string;
  colon?: string;
  between?: string;
  close: string;
  arrayOpen?: string;
  arrayBetween?: string;
  arrayClose?: string;
}

/**
 * Reads one object of arrays, from its brace to its brace.
 *
 * @param readElement reads the element of this level at `scanner.at`
 */
export function scanItems(
  scanner: JsonScanner,
  readElement: (level: number) => number,
): ScannedItems & { spacing: ScannedSpacing } {
  const items: string[] = [];
  const elements: number[] = [];
  const lengths: number[] = [];
  const seen = new Set<string>();
  scanner.expect("{");
  const spacing: ScannedSpacing = { open: scanner.space(), close: "" };
  if (scanner.take("}")) return { items, elements, lengths, spacing };
  for (;;) {
    const keyAt = scanner.at;
    const item = scanner.string();
    if (seen.has(item)) scanner.fail(`item ${quoteShort(item)} occurs twice`, keyAt);
    seen.add(item);
    items.push(item);
    const before = scanner.space();
    scanner.expect(":");
    spacing.colon ??= `${before}:${scanner.space()}`;
    scanner.space();
    lengths.push(scanRow(scanner, spacing, item, elements, readElement));
    const next = scanner.separator("}");
    if (next.endsWith("}")) {
      spacing.close = next.slice(0, -1);
      return { items, elements, lengths, spacing };
    }
    spacing.between ??= next;
  }
}

function scanRow(
  scanner: JsonScanner,
  spacing: ScannedSpacing,
  item: string,
  elements: number[],
  readElement: (level: number) => number,
): number {
  scanner.expect("[");
  const open = scanner.space();
  if (scanner.take("]")) scanner.fail(`item ${quoteShort(item)} has no codes`, scanner.at - 1);
  spacing.arrayOpen ??= open;
  for (let level = 0; ; level++) {
    elements.push(readElement(level));
    const next = scanner.separator("]");
    if (next.endsWith("]")) {
      spacing.arrayClose ??= next.slice(0, -1);
      return level + 1;
    }
    spacing.arrayBetween ??= next;
  }
}

/**
 * Makes Semantic IDs of scanned rows of `levels` codes, or of one more where they have a suffix.
 *
 * @param known cardinalities, where the file or the caller states them; else the largest code of the column + 1
 * @throws {FormatError} naming the item whose row does not fit
 */
export function buildIds(
  scanned: ScannedItems,
  levels: number,
  collisions: Collisions,
  file: string,
  known: {
    readonly cardinalities?: readonly number[] | undefined;
    readonly suffixCardinality?: number | undefined;
  },
): SemanticIds {
  const { items, elements, lengths } = scanned;
  const rows = items.length;
  const codes = new Uint32Array(rows * levels);
  const suffixes = collisions === "keep" ? undefined : new Int32Array(rows).fill(NO_SUFFIX);
  const largest = Array.from({ length: levels }, () => 0);
  let largestSuffix = 0;
  const name = (row: number) => `item ${quoteShort(items[row]!)}`;
  const fail = (row: number, what: string): never => {
    throw new FormatError(`${file}: ${name(row)} ${what}`);
  };

  for (let row = 0, at = 0; row < rows; row++) {
    const length = lengths[row]!;
    const suffixed =
      collisions === "rank" || (collisions === "rank-on-collision" && length !== levels);
    if (length !== levels + Number(suffixed)) {
      fail(row, `has ${length} codes; expected ${levels + Number(suffixed)}`);
    }
    for (let level = 0; level < levels; level++) {
      const code = elements[at++]!;
      const limit = known.cardinalities?.[level] ?? MAX_CARDINALITY;
      if (code >= limit) fail(row, `has code ${code} at level ${level}, outside 0..${limit - 1}`);
      codes[row * levels + level] = code;
      if (code > largest[level]!) largest[level] = code;
    }
    if (!suffixed) continue;
    const suffix = elements[at++]!;
    const limit = known.suffixCardinality ?? MAX_CARDINALITY;
    if (suffix >= limit) fail(row, `has suffix ${suffix}, outside 0..${limit - 1}`);
    suffixes![row] = suffix;
    if (suffix > largestSuffix) largestSuffix = suffix;
  }

  const matrix = new Codes(codes, known.cardinalities ?? largest.map((code) => code + 1));
  const suffixCardinality = known.suffixCardinality ?? largestSuffix + 1;
  if (suffixes !== undefined) {
    const problem = suffixProblem(matrix, suffixes, collisions, suffixCardinality, name);
    if (problem !== undefined) fail(problem.row, problem.what);
  }
  return new SemanticIds(matrix, suffixes, {
    collisions,
    ...(suffixes === undefined ? {} : { suffixCardinality }),
  });
}
