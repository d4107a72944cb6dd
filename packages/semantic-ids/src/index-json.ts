import { ArgumentError, FormatError } from "@tessera/core";
import { type Collisions, type SemanticIds } from "./ids.js";
import { buildIds, checkItems, type ItemIds, scanItems, type ScannedSpacing } from "./items.js";
import { BYTE_ORDER_MARK, JsonScanner } from "./json-scanner.js";
import { expectation, quoteShort, readToken } from "./tokens.js";

const FILE = "index.json";

/** How an `index.json` is spaced and escaped. Separators include their comma or colon. */
export interface IndexStyle {
  /** Before the first brace: white space or a byte order mark. */
  readonly before: string;
  /** After the first brace. */
  readonly open: string;
  /** Between an item and its tokens, such as `": "`. */
  readonly colon: string;
  /** Between items, such as `", "`. */
  readonly betweenItems: string;
  /** Before the last brace. */
  readonly close: string;
  readonly arrayOpen: string;
  /** Between tokens, such as `", "`. */
  readonly betweenTokens: string;
  readonly arrayClose: string;
  /** After the last brace. */
  readonly after: string;
  /** Whether item ids are written in ASCII alone, other characters as \u escapes. */
  readonly ascii: boolean;
}

/** As Python's `json.dump` writes it by default, and as the published files are: all in one line. */
export const PYTHON_STYLE: IndexStyle = {
  before: "",
  open: "",
  colon: ": ",
  betweenItems: ", ",
  close: "",
  arrayOpen: "",
  betweenTokens: ", ",
  arrayClose: "",
  after: "",
  ascii: true,
};

/** One item per line, for reading and for `diff`. */
export const LINES_STYLE: IndexStyle = {
  ...PYTHON_STYLE,
  open: "\n  ",
  betweenItems: ",\n  ",
  close: "\n",
  after: "\n",
  ascii: false,
};

/** A parsed `index.json`. */
export interface IndexFile extends ItemIds {
  readonly style: IndexStyle;
}

export interface ReadIndexOptions {
  /**
   * Whether the last token is a suffix. The file does not say. Default: `keep` (it is a level like the others) if all items
   * have the same number of tokens, `rank-on-collision` if some have one more. With `rank-on-collision`, say the
   * `cardinalities` too if it may be that every item has a suffix.
   */
  readonly collisions?: Collisions | undefined;
  /** Cardinality of each level, without suffix. The file does not say. Default: the level's largest code + 1. */
  readonly cardinalities?: readonly number[] | undefined;
}

/**
 * Reads the `index.json` of LC-Rec, LETTER and MiniOneRec: `{"0": ["<a_236>", "<b_231>", "<c_226>"], …}`.
 *
 * Items keep the order of the file, whatever they are called. {@link indexToJson} writes the result back byte for byte if
 * the file's spaces and escapes follow one style.
 *
 * @throws {FormatError} naming line and column, or the item, if the text is no such file: bad JSON, an item twice, a string
 *   that is no token, tokens out of order, rows of different lengths that are not suffixes, equal IDs that claim to be ranked
 * @throws {ArgumentError} if the cardinalities are not one per level
 */
export function indexFromJson(text: string, options: ReadIndexOptions = {}): IndexFile {
  const scanner = new JsonScanner(text, FILE);
  const mark = scanner.take(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : "";
  const before = mark + scanner.space();
  const scanned = scanItems(scanner, (level) => scanToken(scanner, level));
  const after = scanner.end();
  if (scanned.items.length === 0) throw new FormatError(`${FILE} holds no items`);

  const { collisions, levels } = rowShape(scanned.items, scanned.lengths, options);
  const { cardinalities } = options;
  if (cardinalities !== undefined && cardinalities.length !== levels) {
    throw new ArgumentError(
      `${cardinalities.length} cardinalities for ${levels} levels in ${FILE}`,
    );
  }
  const ids = buildIds(scanned, levels, collisions, FILE, { cardinalities });
  const ascii = !scanner.sawRaw;
  return { items: scanned.items, ids, style: styleOf(scanned.spacing, before, after, ascii) };
}

/**
 * Writes an `index.json`.
 *
 * @param index an {@link IndexFile}, or items and IDs; `style` defaults to {@link PYTHON_STYLE}
 * @throws {ShapeError} if there is not one item per ID
 * @throws {ArgumentError} if an item occurs twice, there is none, or the style would not be JSON
 */
export function indexToJson(index: ItemIds & { readonly style?: IndexStyle | undefined }): string {
  const { items, ids, style = PYTHON_STYLE } = index;
  checkItems(index);
  checkStyle(style);
  if (items.length === 0) throw new ArgumentError("an index.json needs at least one item");
  const rows = items.map(
    (item, row) => quoteKey(item, style.ascii) + style.colon + formatRow(ids, row, style),
  );
  const body = rows.join(style.betweenItems);
  return `${style.before}{${style.open}${body}${style.close}}${style.after}`;
}

function formatRow(ids: SemanticIds, row: number, style: IndexStyle): string {
  const tokens = ids.tokens(row).join(`"${style.betweenTokens}"`);
  return `[${style.arrayOpen}"${tokens}"${style.arrayClose}]`;
}

function scanToken(scanner: JsonScanner, level: number): number {
  const start = scanner.at;
  const value = scanner.string();
  const token = readToken(value, 0, level);
  if (token === undefined) {
    scanner.fail(
      expectation(value, 0, level),
      start,
      "tokens read <a_12>, <b_7>, <c_200>: one letter per level, in order",
    );
  }
  if (token.end !== value.length || scanner.at - start !== value.length + 2) {
    scanner.fail(`${quoteShort(value)} must be one token, without escapes`, start);
  }
  return token.code;
}

/** How many of a row's tokens are levels, and what the rest are. */
function rowShape(
  items: readonly string[],
  lengths: readonly number[],
  { collisions: wanted, cardinalities }: ReadIndexOptions,
): { collisions: Collisions; levels: number } {
  const shortest = lengths.reduce((a, b) => Math.min(a, b));
  const longest = lengths.reduce((a, b) => Math.max(a, b));
  const ragged = shortest !== longest;
  const allowed = wanted === undefined || wanted === "rank-on-collision";
  if (ragged && !(allowed && longest === shortest + 1)) {
    // The rarer length is the one to blame.
    const long = lengths.filter((length) => length === longest).length;
    const usual = long * 2 >= lengths.length ? longest : shortest;
    const row = lengths.findIndex((length) => length !== usual);
    throw new FormatError(
      `${FILE}: item ${quoteShort(items[row]!)} has ${lengths[row]} token${lengths[row] === 1 ? "" : "s"} where others have ${usual}`,
      { hint: "rows may differ by one token only, the suffix of items that collide" },
    );
  }
  const collisions = wanted ?? (ragged ? "rank-on-collision" : "keep");
  // If every item collides, all rows are long, and only the cardinalities tell how many of their tokens are levels.
  const stated = collisions === "rank-on-collision" ? cardinalities?.length : undefined;
  const levels = stated ?? (collisions === "rank" ? longest - 1 : shortest);
  if (levels === 0)
    throw new FormatError(`${FILE}: rows of one token have no level before the suffix`);
  return { collisions, levels };
}

function styleOf(
  spacing: ScannedSpacing,
  before: string,
  after: string,
  ascii: boolean,
): IndexStyle {
  return {
    before,
    open: spacing.open,
    colon: spacing.colon ?? PYTHON_STYLE.colon,
    betweenItems: spacing.between ?? (spacing.open === "" ? ", " : `,${spacing.open}`),
    close: spacing.close,
    arrayOpen: spacing.arrayOpen ?? "",
    betweenTokens: spacing.arrayBetween ?? PYTHON_STYLE.betweenTokens,
    arrayClose: spacing.arrayClose ?? "",
    after,
    ascii,
  };
}

function checkStyle(style: IndexStyle): void {
  const blanks = ["open", "close", "arrayOpen", "arrayClose", "after"] as const;
  for (const name of blanks) check(name, style[name], /^[ \t\r\n]*$/);
  check("before", style.before, /^\ufeff?[ \t\r\n]*$/);
  check("colon", style.colon, /^[ \t\r\n]*:[ \t\r\n]*$/);
  check("betweenItems", style.betweenItems, /^[ \t\r\n]*,[ \t\r\n]*$/);
  check("betweenTokens", style.betweenTokens, /^[ \t\r\n]*,[ \t\r\n]*$/);

  function check(name: keyof IndexStyle, value: string, allowed: RegExp): void {
    if (!allowed.test(value)) {
      throw new ArgumentError(`style.${name} is ${quoteShort(value)}, which would not be JSON`);
    }
  }
}

function quoteKey(item: string, ascii: boolean): string {
  const quoted = JSON.stringify(item);
  if (!ascii) return quoted;
  return quoted.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
