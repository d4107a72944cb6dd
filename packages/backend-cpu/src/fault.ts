import { ArgumentError, CodeRangeError, NonFiniteError, type TesseraError } from "@tessera/core";
import { FAULT } from "./command.js";

export type FaultKind = (typeof FAULT)[keyof typeof FAULT];

/** The error that a fault cell (kind, row, column, value, limit) stands for, or `undefined` if nothing is wrong. */
export function faultError(cell: Uint32Array): TesseraError | undefined {
  const [kind, row, column, bits, limit] = cell as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const value = bits | 0;
  switch (kind) {
    case FAULT.inputRow:
      return new NonFiniteError(row);
    case FAULT.codeword:
      return new NonFiniteError(row, "codebook");
    case FAULT.code:
      return new CodeRangeError(row, column, value, limit);
    case FAULT.index:
      return outside("index", value, row, limit);
    case FAULT.parent:
      return outside("parent", value, row, limit);
    case FAULT.query:
      return new NonFiniteError(row, "query");
    case FAULT.probe:
      return new ArgumentError(
        `probe ${column} of query ${row}, from row ${value} on, is no stretch of the ${limit} rows`,
        { hint: "starts are multiples of 32, and ends lie between them and the number of rows" },
      );
    default:
      return undefined;
  }
}

function outside(what: string, value: number, position: number, rows: number): ArgumentError {
  return new ArgumentError(`${what} ${value} at position ${position} is outside the ${rows} rows`, {
    hint: rows === 0 ? "there are no rows to choose from" : `use 0 to ${rows - 1}`,
  });
}
