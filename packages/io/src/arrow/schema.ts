import type { HostDType } from "@tessera/core";
import { typeWord, type Column } from "../columnar/columns.js";
import { Damage } from "../columnar/damage.js";
import type { FlatTable } from "./flatbuffer.js";

/** How a field's values lie in buffers, as far as vectors and what stands beside them go. */
export type Layout =
  | { readonly kind: "number"; readonly dtype: HostDType }
  | { readonly kind: "boolean" }
  | { readonly kind: "text"; readonly offsets: "I32" | "I64" }
  | { readonly kind: "view" }
  /** @property width of each list; or the type of their offsets */
  | { readonly kind: "list"; readonly width: number }
  | { readonly kind: "lists"; readonly offsets: "I32" | "I64" }
  | { readonly kind: "other" };

export interface Field {
  readonly name: string;
  /** Of the values: of those in the dictionary, where there is one. */
  readonly layout: Layout;
  readonly children: readonly Field[];
  /** Where each value is a place in a dictionary. */
  readonly dictionary: { readonly id: number; readonly dtype: HostDType } | undefined;
  /** How many buffers its own values have, children not counted; with views there are more. */
  readonly buffers: number;
  readonly views: boolean;
  readonly column: Column;
}

/** Arrow's numbers of types, and how many buffers values of each have. */
const TYPES: readonly (readonly [name: string, buffers: number])[] = [
  ["nothing", 0],
  ["null", 0],
  ["integer", 2],
  ["float", 2],
  ["binary", 3],
  ["text", 3],
  ["boolean", 2],
  ["decimal", 2],
  ["date", 2],
  ["time", 2],
  ["timestamp", 2],
  ["interval", 2],
  ["list", 2],
  ["struct", 1],
  ["union", 1],
  ["fixed-size binary", 2],
  ["fixed-size list", 1],
  ["map", 2],
  ["duration", 2],
  ["large binary", 3],
  ["large text", 3],
  ["large list", 2],
  ["run-end encoded", 0],
  ["binary view", 2],
  ["text view", 2],
  ["list view", 3],
  ["large list view", 3],
];

const FLOATS: readonly HostDType[] = ["F16", "F32", "F64"];
const MOST_NESTED = 32;

/**
 * The fields of a schema.
 *
 * @param bytes of the metadata it is in: each field takes some, so that none is read again and again
 * @throws {Damage} if it is big-endian, has an unknown type, or cannot be
 */
export function readSchema(schema: FlatTable, bytes: number): Field[] {
  if (schema.integer(0, 16) !== 0) {
    throw new Damage("it is big-endian", "write it on another machine, or convert it");
  }
  let left = bytes / 8;

  function read(table: FlatTable, nested: number): Field {
    if (--left < 0 || nested > MOST_NESTED) throw new Damage("its schema is nested too deeply");
    const children = table.tables(5).map((child) => read(child, nested + 1));
    return fieldOf(table, children);
  }

  return schema.tables(1).map((table) => read(table, 0));
}

function fieldOf(table: FlatTable, children: readonly Field[]): Field {
  const name = table.text(0);
  const number = table.integer(2, 8);
  const known = TYPES[number];
  if (known === undefined) {
    throw new Damage(`column ${JSON.stringify(name)} has the unknown type ${number}`);
  }
  const [word, buffers] = known;
  const type = table.table(3);
  const layout = layoutOf(word, type);
  const encoding = table.table(4);
  const dictionary = encoding && {
    id: encoding.count(0),
    // Without a type they are int32.
    dtype: encoding.table(1) ? integerType(encoding.table(1)) : "I32",
  };
  // Dense unions have offsets as well.
  const own = word === "union" && type?.integer(0, 16) === 1 ? 2 : buffers;
  return {
    name,
    layout,
    children: dictionary ? [] : children,
    dictionary,
    buffers: dictionary ? 2 : own,
    views: !dictionary && word.endsWith(" view") && !word.includes("list"),
    column: columnOf(name, word, layout, children, dictionary !== undefined),
  };
}

function layoutOf(word: string, type: FlatTable | undefined): Layout {
  switch (word) {
    case "integer":
      return { kind: "number", dtype: integerType(type) };
    case "float":
      return { kind: "number", dtype: FLOATS[type?.integer(0, 16) ?? 0] ?? "F32" };
    case "boolean":
      return { kind: "boolean" };
    case "text":
      return { kind: "text", offsets: "I32" };
    case "large text":
      return { kind: "text", offsets: "I64" };
    case "text view":
      return { kind: "view" };
    case "fixed-size list":
      return { kind: "list", width: type?.integer(0, 32) ?? 0 };
    case "list":
      return { kind: "lists", offsets: "I32" };
    case "large list":
      return { kind: "lists", offsets: "I64" };
    default:
      return { kind: "other" };
  }
}

function integerType(type: FlatTable | undefined): HostDType {
  const bits = type?.integer(0, 32) ?? 0;
  const signed = type?.boolean(1) ?? false;
  const types: Readonly<Record<number, readonly [HostDType, HostDType]>> = {
    8: ["U8", "I8"],
    16: ["U16", "I16"],
    32: ["U32", "I32"],
    64: ["U64", "I64"],
  };
  const found = types[bits];
  if (found === undefined) throw new Damage(`it has integers of ${bits} bits`);
  return found[signed ? 1 : 0];
}

function columnOf(
  name: string,
  word: string,
  layout: Layout,
  children: readonly Field[],
  dictionary: boolean,
): Column {
  const isText = layout.kind === "text" || layout.kind === "view";
  if (isText) return { name, content: "text", type: "text" };
  if (dictionary) return { name, content: "other", type: `dictionary of ${word}` };
  if (layout.kind === "number") {
    return { name, content: "number", type: typeWord(layout.dtype), dtype: layout.dtype };
  }
  if (layout.kind === "boolean") return { name, content: "boolean", type: word };
  if (layout.kind === "list" || layout.kind === "lists") {
    const [element] = children;
    const inner = element?.column;
    const isVector = inner?.content === "number" && element?.dictionary === undefined;
    return {
      name,
      content: isVector ? "list" : "other",
      type: `list of ${inner?.type ?? "nothing"}`,
      dtype: inner?.dtype,
    };
  }
  return { name, content: "other", type: word };
}
