import type { RowsChoice } from "../case.js";

/** `what` with the rows that it is done on. */
export function title(what: string, { source, rows, cols }: RowsChoice): string {
  return `${what}; ${source}, ${rows.toLocaleString("en")} × ${cols}`;
}
