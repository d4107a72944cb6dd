import { ArgumentError, FormatError } from "@tessera/core";
import { quote, type RowParser } from "./row-parser.js";
import type { ByteSource } from "./source.js";
import { isBlank, readLines, type TextRecord } from "./text.js";

/** One line of a jsonl file of items. */
export type Item = Readonly<Record<string, unknown>>;

export interface JsonlOptions {
  /** Name of the field that holds the vector, where lines are objects. Default: the first that is a list of numbers. */
  readonly field?: string | undefined;
  /** Whether to keep the other fields of each line, as `items` of the batches. Default false. */
  readonly items?: boolean | undefined;
}

/** Works out from the first line how the vectors are written. */
export function jsonlParser(
  first: TextRecord,
  name: string,
  { field, items = false }: JsonlOptions,
): RowParser {
  const value = parseLine(first, name);
  const isList = Array.isArray(value);
  const key = isList || field !== undefined ? field : vectorField(value);
  const cols = vectorOf(value, key, first, name).length;
  if (cols === 0) throw new FormatError(`${name} line ${first.line} has an empty vector`);
  return {
    cols,
    skip: 0,
    parse(record, out, at) {
      const line = parseLine(record, name);
      const vector = vectorOf(line, key, record, name);
      if (vector.length !== cols) {
        throw new FormatError(
          `${name} line ${record.line} has ${vector.length} values; line ${first.line} has ${cols}`,
          { hint: "all vectors of a file must have one dimension" },
        );
      }
      for (let j = 0; j < cols; j++) {
        const number = vector[j];
        if (typeof number !== "number") {
          throw new FormatError(
            `${name} line ${record.line}, value ${j + 1} is ${quote(number)}, not a number`,
          );
        }
        out[at + j] = number;
      }
      if (!items || Array.isArray(line)) return items ? { item: {} } : {};
      const { [key!]: _, ...item } = line;
      return { item };
    },
  };
}

function vectorField(line: Item): string | undefined {
  return Object.keys(line).find((key) => {
    const value = line[key];
    return Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === "number");
  });
}

function vectorOf(
  line: unknown[] | Item,
  key: string | undefined,
  { line: number }: TextRecord,
  name: string,
): unknown[] {
  if (Array.isArray(line)) {
    if (Array.isArray(line[0])) {
      throw new FormatError(`${name} line ${number} holds a list of lists`, {
        hint: "write one vector per line, without the outer brackets",
      });
    }
    return line;
  }
  if (key === undefined) {
    throw new FormatError(`${name} line ${number} has no field that is a list of numbers`, {
      hint: "name the field of the vector with the option field",
    });
  }
  const vector = Object.hasOwn(line, key) ? line[key] : undefined;
  if (!Array.isArray(vector)) {
    throw new FormatError(`${name} line ${number} has no list in its field ${quote(key)}`, {
      hint: `its fields are ${Object.keys(line).slice(0, 8).map(quote).join(", ") || "none"}`,
    });
  }
  return vector;
}

function parseLine({ text, line }: TextRecord, name: string): unknown[] | Item {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${name} line ${line} is not JSON: ${quote(text)}`, {
      hint: /\b(NaN|Infinity)\b/.test(text)
        ? "JSON has no NaN or Infinity; remove or repair that row"
        : "each line must be a JSON list of numbers or an object",
      cause,
    });
  }
  if (typeof value !== "object" || value === null) {
    throw new FormatError(`${name} line ${line} is neither a list nor an object`);
  }
  return value as unknown[] | Item;
}

/** The objects of a jsonl file, one per line: the titles and other data of a catalogue. */
export async function readItemsFrom(source: ByteSource, signal?: AbortSignal): Promise<Item[]> {
  const items: Item[] = [];
  for await (const block of readLines(source, signal)) {
    for (const record of block) {
      if (isBlank(record)) continue;
      const item = parseLine(record, source.name);
      if (Array.isArray(item)) {
        throw new FormatError(`${source.name} line ${record.line} is a list, not an object`);
      }
      items.push(item);
    }
  }
  return items;
}

/** Options of jsonl are checked here, so that a mistake is named before the file is read. */
export function checkJsonlOptions({ field }: JsonlOptions): void {
  if (field !== undefined && (typeof field !== "string" || field === "")) {
    throw new ArgumentError(`field is ${quote(field)}; it must be the name of a field`);
  }
}
