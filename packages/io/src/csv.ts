import { ArgumentError, FormatError } from "@tessera/core";
import { quote, type RowParser } from "./row-parser.js";
import type { TextRecord } from "./text.js";

export interface CsvOptions {
  /** One character between fields. Default: for `tsv` a tab; else the first of tab, `;`, `,` and space in line 1. */
  readonly delimiter?: string | undefined;
  /** Whether line 1 names the columns. Default: whether it has no numbers, or an id's name before 0, 1, 2, … */
  readonly header?: boolean | undefined;
  /** Whether column 1 is an id, not a value. Default: whether it is not a number, or named like an id. */
  readonly idColumn?: boolean | undefined;
}

/** Names of an id column. pandas leaves the name of its index empty. */
export const ID_NAME = /^(|id|.*[_ ]id|key|index|name|word|token)$/i;

/** Works out from the first two records how the vectors are written. */
export function csvParser(
  records: readonly TextRecord[],
  name: string,
  tabs: boolean,
  options: CsvOptions,
): RowParser {
  const [first, second] = records as [TextRecord, TextRecord | undefined];
  const delimiter = options.delimiter ?? (tabs ? "\t" : guessDelimiter(first.text));
  const top = splitFields(first, delimiter, name);
  const header = options.header ?? isHeader(top);
  const sample = header ? second : first;
  if (sample === undefined) {
    throw new FormatError(`${name} has a header but no rows`, {
      hint: "set the option header to false if line 1 is a row",
    });
  }
  const fields = header ? splitFields(sample, delimiter, name) : top;
  const hasIds =
    options.idColumn ??
    (fields.length > 1 && (!isNumeric(fields[0]!) || (header && ID_NAME.test(top[0]!.trim()))));
  const offset = hasIds ? 1 : 0;
  const cols = fields.length - offset;
  if (cols < 1) throw new FormatError(`${name} line ${sample.line} has no values`);
  return {
    cols,
    skip: header ? 1 : 0,
    parse(record, out, at) {
      const row = splitFields(record, delimiter, name);
      if (row.length !== fields.length) {
        throw new FormatError(
          `${name} line ${record.line} has ${row.length} fields; line ${sample.line} has ${fields.length}`,
          { hint: "every row must have the same number of fields" },
        );
      }
      for (let j = 0; j < cols; j++) {
        const text = row[j + offset]!;
        const value = toNumber(text);
        if (value === undefined) {
          throw notANumber(name, record.line, j + offset + 1, text, delimiter);
        }
        out[at + j] = value;
      }
      return hasIds ? { id: row[0]! } : {};
    },
  };
}

function notANumber(
  name: string,
  line: number,
  column: number,
  text: string,
  delimiter: string,
): FormatError {
  const hint =
    column === 1
      ? "set the option idColumn if the first column is an id, or header if line 1 is a header"
      : text.includes(",") && delimiter !== ","
        ? "write decimals with a point, not a comma"
        : "keep numbers only, after at most one column of ids";
  return new FormatError(`${name} line ${line}, column ${column} is ${quote(text)}, not a number`, {
    hint,
  });
}

function guessDelimiter(line: string): string {
  const bare = line.replace(/"[^"]*"/g, "");
  return ["\t", ";", ",", " "].find((candidate) => bare.includes(candidate)) ?? ",";
}

function isHeader(fields: readonly string[]): boolean {
  const rest = fields.slice(1);
  if (!fields.some(isNumeric)) return true;
  // pandas names unnamed columns 0, 1, 2, …
  const counted = rest.every((field, j) => field.trim() === String(j));
  return counted && rest.length > 0 && ID_NAME.test(fields[0]!.trim());
}

function isNumeric(text: string): boolean {
  return toNumber(text) !== undefined;
}

/** A decimal number, or NaN and infinities as common tools write them; `undefined` for anything else. */
function toNumber(text: string): number | undefined {
  const value = Number(text);
  // Number() also reads blanks as 0, and hexadecimal, octal and binary, which all have a letter second.
  if (value !== 0 && !Number.isNaN(value) && !/^\s*0[box]/i.test(text)) return value;
  if (value === 0) return /^\s*[+-]?[\d.]+(e[+-]?\d+)?\s*$/i.test(text) ? value : undefined;
  const word = /^\s*([+-]?)(nan|inf|infinity)\s*$/i.exec(text);
  if (word === null) return undefined;
  if (word[2]!.toLowerCase() === "nan") return NaN;
  return word[1] === "-" ? -Infinity : Infinity;
}

/** The fields of a record, by the rules of RFC 4180: a quoted field may hold anything, with quotes doubled. */
function splitFields({ text, line }: TextRecord, delimiter: string, name: string): string[] {
  if (!text.includes('"')) return text.split(delimiter);
  const fields: string[] = [];
  for (let at = 0; ;) {
    if (text[at] !== '"') {
      const end = text.indexOf(delimiter, at);
      const field = text.slice(at, end === -1 ? undefined : end);
      if (field.includes('"')) throw strayQuote(name, line, fields.length + 1);
      fields.push(field);
      if (end === -1) return fields;
      at = end + 1;
      continue;
    }
    let end = text.indexOf('"', at + 1);
    while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
    if (end === -1 || (end + 1 < text.length && text[end + 1] !== delimiter)) {
      throw strayQuote(name, line, fields.length + 1);
    }
    fields.push(text.slice(at + 1, end).replaceAll('""', '"'));
    if (end + 1 >= text.length) return fields;
    at = end + 2;
  }
}

function strayQuote(name: string, line: number, column: number): FormatError {
  return new FormatError(`${name} line ${line}, column ${column} has a quote out of place`, {
    hint: 'put the whole field in quotes, and write a quote inside it as ""',
  });
}

/** Options of csv are checked here, so that a mistake is named before the file is read. */
export function checkCsvOptions({ delimiter }: CsvOptions): void {
  if (delimiter !== undefined && (delimiter.length !== 1 || /["\r\n\d.eE+-]/.test(delimiter))) {
    throw new ArgumentError(`delimiter is ${quote(delimiter)}; it must be one character`, {
      hint: "such as a comma, a tab or a semicolon",
    });
  }
}
