import type { TextRecord } from "./text.js";

/** How to read the vectors of a text file, worked out from its first records. */
export interface RowParser {
  readonly cols: number;
  /** Records before the first row: 1 with a header. */
  readonly skip: number;
  /**
   * Reads one record: its values into `out`, from `at`.
   *
   * @throws {FormatError} naming the line, and the column where there is one
   */
  parse(record: TextRecord, out: Float32Array, at: number): ParsedRow;
}

/** What a record holds besides its vector. */
export interface ParsedRow {
  readonly id?: string | undefined;
  readonly item?: Readonly<Record<string, unknown>> | undefined;
}

/** A value for an error message, cut to a readable length. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
