import { ArgumentError, ShapeError } from "@tessera/core";
import type { Item } from "@tessera/io";
import { readItems } from "@tessera/io/node";
import { nearest } from "./args/suggest.js";
import { UsageError } from "./args/usage-error.js";
import type { Context } from "./context.js";
import { grouped } from "./text.js";
import type { RowFacts } from "./vectors.js";

/** Fields that usually hold what a person calls an item, used where no field is named. */
const USUAL_NAMES = ["title", "name", "label", "text"];

/** What is known of each row besides its vector. */
export interface Catalogue {
  /** `[rows]`: the item's own id, all different. */
  readonly ids: readonly string[];
  /** What to call a row. */
  readonly label: (row: number) => string;
  /** `[rows]`: the kind of each item, if a field of it was named. */
  readonly groups: { readonly field: string; readonly values: readonly string[] } | undefined;
}

export interface CatalogueChoice {
  readonly items: string | undefined;
  readonly id: string | undefined;
  readonly names: string | undefined;
  readonly group: string | undefined;
}

/**
 * Joins the rows with their items: from `--items`, else from the fields of a `.jsonl` input, else row numbers.
 *
 * @throws {ShapeError} if there is not one item per row
 * @throws {ArgumentError} for a field that no item has, or an id that is missing or occurs twice
 */
export async function readCatalogue(
  choice: CatalogueChoice,
  source: string,
  rows: number,
  facts: RowFacts,
  context: Context,
): Promise<Catalogue> {
  const items =
    choice.items === undefined
      ? facts.items
      : await readItems(choice.items, { signal: context.signal });
  const file = choice.items ?? source;
  if (items === undefined) {
    for (const option of ["id", "names", "group"] as const) {
      if (choice[option] !== undefined) {
        throw new UsageError(
          `--${option} names a field, and ${source} has none`,
          "give the items' fields with --items FILE.jsonl, one object per row",
        );
      }
    }
    const own = facts.ids ?? Array.from({ length: rows }, (_, row) => String(row));
    checkDistinct(own, source);
    return { ids: own, label: (row) => own[row]!, groups: undefined };
  }
  if (items.length !== rows) {
    throw new ShapeError(
      `${file} has ${grouped(items.length)} items; ${source} has ${grouped(rows)} rows`,
      { hint: "there must be one item per row, in the same order" },
    );
  }
  const ids = readIds(items, choice.id, file, facts);
  checkDistinct(ids, file);
  const label = readLabels(items, choice.names, file, ids);
  const { group } = choice;
  if (group === undefined) return { ids, label, groups: undefined };
  checkField(items, group, "group", file);
  const values = items.map((item) => show(item[group]) ?? "(none)");
  return { ids, label, groups: { field: group, values } };
}

function readIds(
  items: readonly Item[],
  field: string | undefined,
  file: string,
  facts: RowFacts,
): readonly string[] {
  if (field === undefined && !items.some((item) => Object.hasOwn(item, "id"))) {
    return facts.ids ?? items.map((_, row) => String(row));
  }
  const name = field ?? "id";
  checkField(items, name, "id", file);
  return items.map((item, row) => {
    const id = show(item[name]);
    if (id === undefined) {
      throw new ArgumentError(`${file}: the item of row ${row} has no "${name}"`, {
        hint: "each item needs an id; name another field with --id",
      });
    }
    return id;
  });
}

function readLabels(
  items: readonly Item[],
  wanted: string | undefined,
  file: string,
  ids: readonly string[],
): (row: number) => string {
  const usual = USUAL_NAMES.find((field) => items.some((item) => Object.hasOwn(item, field)));
  const fields = wanted?.split(",") ?? (usual === undefined ? [] : [usual]);
  for (const field of fields) checkField(items, field, "names", file);
  return (row) =>
    fields
      .map((field) => show(items[row]![field]))
      .filter((part) => part !== undefined && part !== "")
      .join(" ") || ids[row]!;
}

function checkDistinct(ids: readonly string[], file: string): void {
  const seen = new Map<string, number>();
  ids.forEach((id, row) => {
    const other = seen.get(id);
    if (other !== undefined) {
      throw new ArgumentError(`${file}: rows ${other} and ${row} have the same id "${id}"`, {
        hint: "each item needs an id of its own; name another field with --id",
      });
    }
    seen.set(id, row);
  });
}

function checkField(items: readonly Item[], field: string, option: string, file: string): void {
  if (items.length === 0 || items.some((item) => Object.hasOwn(item, field))) return;
  const fields = Object.keys(items[0]!);
  const near = nearest(field, fields);
  throw new ArgumentError(`--${option}: no item of ${file} has a field "${field}"`, {
    hint:
      near === undefined
        ? `the fields are ${fields.slice(0, 8).join(", ") || "none"}`
        : `did you mean ${near}?`,
  });
}

/** A field's value as text; `undefined` where there is none. */
function show(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.map((part) => show(part) ?? "").join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
