import { FormatError, MAX_CARDINALITY } from "@tessera/core";
import type { Collisions } from "./ids.js";
import { indexFromJson, type IndexStyle } from "./index-json.js";
import { buildIds, checkItems, type ItemIds, scanItems, type ScannedItems } from "./items.js";
import { BYTE_ORDER_MARK, JsonScanner } from "./json-scanner.js";
import { quoteShort } from "./tokens.js";

const FILE = "ids.json";
const FORMAT = "tessera-ids";
const VERSION = 1;

/** Tessera's own file of Semantic IDs. */
export interface IdsFile extends ItemIds {
  /** The spec of the quantizer that made the codes, such as `rq3x256`. */
  readonly spec?: string | undefined;
}

/**
 * Writes Semantic IDs without loss: items in order, codes as integers, cardinalities, and what the last code is. One item
 * per line, so that `diff` and `grep` work on it:
 *
 *     {
 *       "format": "tessera-ids",
 *       "version": 1,
 *       "spec": "rq3x256",
 *       "cardinalities": [256, 256, 256],
 *       "collisions": "rank",
 *       "suffixCardinality": 3,
 *       "items": {
 *         "B00042": [12, 7, 200, 0],
 *         …
 *       }
 *     }
 *
 * @throws {ShapeError} if there is not one item per ID
 * @throws {ArgumentError} if an item occurs twice
 */
export function idsToJson(file: IdsFile): string {
  const { items, ids, spec } = file;
  checkItems(file);
  const fields = [`"format": "${FORMAT}"`, `"version": ${VERSION}`];
  if (spec !== undefined) fields.push(`"spec": ${JSON.stringify(spec)}`);
  fields.push(`"cardinalities": [${ids.codes.cardinalities.join(", ")}]`);
  fields.push(`"collisions": "${ids.collisions}"`);
  if (ids.suffixes !== undefined) fields.push(`"suffixCardinality": ${ids.suffixCardinality}`);
  const rows = items.map((item, row) => `    ${JSON.stringify(item)}: [${ids.id(row).join(", ")}]`);
  const body = rows.length === 0 ? "{}" : `{\n${rows.join(",\n")}\n  }`;
  fields.push(`"items": ${body}`);
  return `{\n  ${fields.join(",\n  ")}\n}\n`;
}

/**
 * Reads what {@link idsToJson} wrote, in any spacing and order of fields.
 *
 * @throws {FormatError} naming line and column, or the item, if the text is no such file or of a later version
 */
export function idsFromJson(text: string): IdsFile {
  const scanner = new JsonScanner(text, FILE);
  scanner.take(BYTE_ORDER_MARK);
  scanner.space();
  scanner.expect("{");
  scanner.space();
  const header = scanHeader(scanner);
  scanner.end();

  const { cardinalities, collisions, suffixCardinality, items, spec } = header;
  if ((collisions === "keep") !== (suffixCardinality === undefined)) {
    throw new FormatError(
      `${FILE}: collisions "${collisions}" ${collisions === "keep" ? "takes no" : "needs a"} suffixCardinality`,
    );
  }
  const known = { cardinalities, suffixCardinality };
  const ids = buildIds(items, cardinalities.length, collisions, FILE, known);
  return { items: items.items, ids, ...(spec === undefined ? {} : { spec }) };
}

/** Either file, told apart by what it holds. */
export type AnyIdsFile =
  | (IdsFile & { readonly format: "tessera" })
  | (ItemIds & { readonly format: "index"; readonly style: IndexStyle });

/**
 * Reads a file of Semantic IDs of either format: `{"format": "tessera-ids", …}`, with that field first, or an `index.json`.
 *
 * @throws {FormatError} if it is neither
 */
export function readIds(text: string): AnyIdsFile {
  return /^\s*\{\s*"format"\s*:\s*"/.test(text)
    ? { format: "tessera", ...idsFromJson(text) }
    : { format: "index", ...indexFromJson(text) };
}

interface Header {
  readonly spec?: string | undefined;
  readonly cardinalities: readonly number[];
  readonly collisions: Collisions;
  readonly suffixCardinality?: number | undefined;
  readonly items: ScannedItems;
}

function scanHeader(scanner: JsonScanner): Header {
  const fields: { -readonly [K in keyof Header]?: Header[K] } = {};
  const seen = new Set<string>();
  for (;;) {
    const at = scanner.at;
    const key = scanner.string();
    if (seen.has(key)) scanner.fail(`field ${quoteShort(key)} occurs twice`, at);
    seen.add(key);
    scanner.space();
    scanner.expect(":");
    scanner.space();
    scanField(scanner, key, at, fields);
    if (scanner.separator("}").endsWith("}")) break;
  }
  for (const key of ["format", "version", "cardinalities", "collisions", "items"]) {
    if (!seen.has(key)) throw new FormatError(`${FILE} has no field "${key}"`);
  }
  return fields as Header;
}

function scanField(
  scanner: JsonScanner,
  key: string,
  keyAt: number,
  fields: { -readonly [K in keyof Header]?: Header[K] },
): void {
  const at = scanner.at;
  switch (key) {
    case "format": {
      const format = scanner.string();
      if (format !== FORMAT) scanner.fail(`format is ${quoteShort(format)}, not "${FORMAT}"`, at);
      return;
    }
    case "version": {
      const version = scanner.integer();
      if (version !== VERSION) {
        scanner.fail(
          `format version ${version}; this build reads version ${VERSION}`,
          at,
          "update the @tessera packages",
        );
      }
      return;
    }
    case "spec":
      fields.spec = scanner.string();
      return;
    case "collisions": {
      const collisions = scanner.string();
      if (!isCollisions(collisions)) {
        scanner.fail(
          `collisions is ${quoteShort(collisions)}`,
          at,
          'it must be "rank", "rank-on-collision" or "keep"',
        );
      }
      fields.collisions = collisions;
      return;
    }
    case "suffixCardinality":
      fields.suffixCardinality = scanCardinality(scanner);
      return;
    case "cardinalities": {
      const cardinalities: number[] = [];
      scanner.expect("[");
      do {
        scanner.space();
        cardinalities.push(scanCardinality(scanner));
      } while (!scanner.separator("]").endsWith("]"));
      fields.cardinalities = cardinalities;
      return;
    }
    case "items":
      fields.items = scanItems(scanner, () => scanner.integer());
      return;
    default:
      scanner.fail(`unknown field ${quoteShort(key)}`, keyAt);
  }
}

function scanCardinality(scanner: JsonScanner): number {
  const at = scanner.at;
  const value = scanner.integer();
  if (value < 1 || value > MAX_CARDINALITY) {
    scanner.fail(`cardinality ${value} must be from 1 to 2^24`, at);
  }
  return value;
}

function isCollisions(text: string): text is Collisions {
  return text === "rank" || text === "rank-on-collision" || text === "keep";
}
