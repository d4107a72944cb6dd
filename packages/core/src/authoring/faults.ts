import { ArgumentError, CodeRangeError, NonFiniteError, type TesseraError } from "../errors.js";

/** What the data of a call may have wrong, by the numbers that kernels write to memory. */
export const FAULT = {
  none: 0,
  row: 1,
  codeword: 2,
  code: 3,
  index: 4,
  parent: 5,
  query: 6,
  probe: 7,
} as const;

export type FaultKind = (typeof FAULT)[keyof typeof FAULT];

/**
 * The error that a fault stands for, or `undefined` if nothing is wrong.
 *
 * @param cell kind, row, column, value (the bits of an int32), and what the value had to be below
 */
export function faultError(cell: Uint32Array): TesseraError | undefined {
  const [kind = 0, row = 0, column = 0, bits = 0, limit = 0] = cell;
  const value = bits | 0;
  switch (kind) {
    case FAULT.row:
      return new NonFiniteError(row);
    case FAULT.codeword:
      return new NonFiniteError(row, "codebook");
    case FAULT.code:
      return new CodeRangeError(row, column, value, limit);
    case FAULT.index:
      return outsideError("index", value, row, limit);
    case FAULT.parent:
      return outsideError("parent", value, row, limit);
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

/** The error of an index, at a position among others, that is none of a row. */
export function outsideError(
  what: "index" | "parent",
  value: number,
  position: number,
  rows: number,
): ArgumentError {
  return new ArgumentError(`${what} ${value} at position ${position} is outside the ${rows} rows`, {
    hint: rows === 0 ? "there are no rows to choose from" : `use 0 to ${rows - 1}`,
  });
}
