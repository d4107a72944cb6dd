import { FormatError, TesseraError } from "@tessera/core";

/** A file is in order, or a model is, but the other side has no form for it. */
export class UnsupportedError extends TesseraError {
  constructor(message: string, options: { hint?: string } = {}) {
    super("unsupported", message, options);
  }
}

/**
 * Runs `read` on bytes from outside. What a model's constructor finds wrong with what the file holds is the file's fault.
 *
 * @throws {FormatError | UnsupportedError} and no other `TesseraError`
 */
export function fromFile<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TesseraError)) throw error;
    if (error instanceof FormatError || error instanceof UnsupportedError) throw error;
    throw new FormatError(`${what}: ${error.message}`, { cause: error });
  }
}
