import type { HostDType } from "@tessera/core";
import { typeWord, type Column } from "../columnar/columns.js";
import { Damage } from "../columnar/damage.js";
import type { ThriftStruct } from "./thrift.js";

/** How values are written, by Parquet's own numbers. */
type Physical =
  | "BOOLEAN"
  | "INT32"
  | "INT64"
  | "INT96"
  | "FLOAT"
  | "DOUBLE"
  | "BYTE_ARRAY"
  | "FIXED_LEN_BYTE_ARRAY";

const PHYSICAL: readonly Physical[] = [
  "BOOLEAN",
  "INT32",
  "INT64",
  "INT96",
  "FLOAT",
  "DOUBLE",
  "BYTE_ARRAY",
  "FIXED_LEN_BYTE_ARRAY",
];

/** A column of values as they are stored, one of the ends of the tree of types. */
export interface Leaf {
  readonly column: Column;
  /** Definition level of a value that is there. */
  readonly definition: number;
  /** How many lists are around a value: 0 or 1 where it can be read. */
  readonly repetition: number;
  /** Definition level from which a list has an entry, be it missing. */
  readonly entry: number;
}

/** Where a node of the tree of types stands to a list around it. */
type InList = "no" | "list" | "entry" | "deeper";

const MOST_NESTED = 32;

/**
 * The ends of the tree of types, which is written as a list in depth-first order
 * (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md says how lists look in it).
 *
 * @throws {Damage} if it is no tree
 */
export function readLeaves(elements: readonly ThriftStruct[]): Leaf[] {
  const leaves: Leaf[] = [];
  let next = 0;

  function node(
    names: readonly string[],
    levels: { definition: number; repetition: number; entry: number },
    inList: InList,
    nested: number,
  ): void {
    const element = elements[next++];
    if (element === undefined || nested > MOST_NESTED) throw new Damage("its types are no tree");
    const kind = nested === 0 ? 0 : (element.number(3) ?? 0);
    const definition = levels.definition + (kind === 0 ? 0 : 1);
    const repeated = kind === 2;
    const here = {
      definition,
      repetition: levels.repetition + (repeated ? 1 : 0),
      entry: repeated ? definition : levels.entry,
    };
    const children = element.number(5) ?? 0;
    const path =
      nested === 0 || inList === "entry" || (inList === "list" && repeated)
        ? names
        : [...names, element.text(4) ?? ""];
    if (element.number(1) !== undefined) {
      leaves.push(leaf(element, path.join("."), here, inList));
      return;
    }
    const isList = element.number(6) === 3 || element.struct(10)?.struct(3) !== undefined;
    const inside = insideOf(inList, isList, repeated, children);
    for (let i = 0; i < children; i++) node(path, here, inside, nested + 1);
  }

  node([], { definition: 0, repetition: 0, entry: 0 }, "no", 0);
  return leaves;
}

/** A list is a group of that name, with a repeated group of one element in it. */
function insideOf(inList: InList, isList: boolean, repeated: boolean, children: number): InList {
  if (inList === "no") return isList && !repeated ? "list" : repeated ? "deeper" : "no";
  return inList === "list" && repeated && children === 1 ? "entry" : "deeper";
}

function leaf(
  element: ThriftStruct,
  name: string,
  levels: Pick<Leaf, "definition" | "repetition" | "entry">,
  inList: InList,
): Leaf {
  const physical = PHYSICAL[element.number(1) ?? -1];
  if (physical === undefined) throw new Damage("a column has an unknown type");
  const value = valueType(element, physical);
  const { repetition } = levels;
  if (repetition === 0) return { column: { name, ...value }, ...levels };
  const readable = repetition === 1 && inList !== "deeper" && value.content === "number";
  const column: Column = {
    name,
    content: readable ? "list" : "other",
    type: `list of ${value.type}`,
    dtype: value.dtype,
  };
  return { column, ...levels };
}

function valueType(element: ThriftStruct, physical: Physical): Omit<Column, "name"> {
  const number = (dtype: HostDType): Omit<Column, "name"> => ({
    content: "number",
    type: typeWord(dtype),
    dtype,
  });
  const other = { content: "other", type: physical.toLowerCase() } as const;
  const converted = element.number(6);
  const logical = element.struct(10);
  switch (physical) {
    case "BOOLEAN":
      return { content: "boolean", type: "boolean" };
    case "FLOAT":
      return number("F32");
    case "DOUBLE":
      return number("F64");
    case "INT32":
    case "INT64": {
      const integer = logical?.struct(10);
      // From 11 to 14 they are unsigned, from 15 to 18 signed; others are dates, times and decimals.
      const plain = logical === undefined ? converted === undefined : integer !== undefined;
      const known = plain || (converted !== undefined && converted >= 11 && converted <= 18);
      if (!known) return other;
      const unsigned =
        integer?.boolean(2) === false || (converted !== undefined && converted <= 14);
      const wide = physical === "INT64";
      return number(unsigned ? (wide ? "U64" : "U32") : wide ? "I64" : "I32");
    }
    case "FIXED_LEN_BYTE_ARRAY":
      return element.number(2) === 2 && logical?.struct(15) ? number("F16") : other;
    case "BYTE_ARRAY": {
      // Texts, enumerations and JSON.
      const isText =
        [0, 4, 19].includes(converted ?? -1) ||
        [1, 4, 12].some((kind) => logical?.struct(kind) !== undefined);
      return isText ? { content: "text", type: "text" } : { content: "other", type: "binary" };
    }
    case "INT96":
      return other;
  }
}
