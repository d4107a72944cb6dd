import { TesseraError } from "@tessera/core";

/** The file system would not let a file be read or written: it is missing, a folder, protected, or the disk is full. */
export class FileError extends TesseraError {
  readonly path: string;
  /** The system's own name of the failure, such as `ENOENT`. */
  readonly reason: string;

  constructor(
    path: string,
    reason: string,
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super("file", message, options);
    this.path = path;
    this.reason = reason;
  }
}
