import { TesseraError } from "@tessera/core";

/** The command line says something that the command does not understand. Ends with status 2. */
export class UsageError extends TesseraError {
  constructor(message: string, hint?: string) {
    super("usage", message, hint === undefined ? {} : { hint });
  }
}
