import { ArgumentError, FormatError } from "@tessera/core";

const CUT = "the file is cut short or damaged; write it again";

/** What is wrong with bytes, said where nobody knows the name of their file. {@link naming} adds it. */
export class Damage extends Error {
  readonly hint: string;

  constructor(message: string, hint: string = CUT) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Runs `body`, and makes what it finds wrong with the bytes a {@link FormatError} with the file's name, and what the engine
 * has no memory for an {@link ArgumentError}.
 */
export async function naming<T>(name: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (cause) {
    if (cause instanceof Damage) {
      throw new FormatError(`${name}: ${cause.message}`, { hint: cause.hint, cause });
    }
    if (!(cause instanceof RangeError)) throw cause;
    throw new ArgumentError(`${name} does not fit into memory, even in parts`, {
      hint: "write it in smaller pages or batches",
    });
  }
}

/** A row that is not the vector that the others are. */
export function badRow(row: number, column: string, what: string): Damage {
  return new Damage(
    `row ${row} of column ${JSON.stringify(column)} ${what}`,
    "each row must be a list of numbers, all of one length and none of them missing",
  );
}

export function wrongLength(row: number, column: string, found: number, width: number): Damage {
  return badRow(row, column, `has ${found} values; row 0 has ${width}`);
}
