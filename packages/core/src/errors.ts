/**
 * Base of every error that Tessera throws.
 *
 * The message is one line: what was wrong and where. `hint`, where there is one, says what to do next.
 */
export class TesseraError extends Error {
  /** Stable, machine-readable name of the failure, such as `shape` or `non-finite`. */
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** A matrix, tensor or code table does not have the shape that the call needs. */
export class ShapeError extends TesseraError {
  constructor(message: string, options: { hint?: string } = {}) {
    super("shape", message, options);
  }
}

/** An option or argument is outside what it may be. */
export class ArgumentError extends TesseraError {
  constructor(message: string, options: { hint?: string } = {}) {
    super("argument", message, options);
  }
}

/**
 * A row holds NaN or an infinity, or is so large that its squared norm overflows float32.
 *
 * `row` counts from 0 in the data that the caller passed.
 */
export class NonFiniteError extends TesseraError {
  readonly row: number;

  constructor(row: number, what = "input") {
    super(
      "non-finite",
      `${what} row ${row} has a value that is not finite, or its squared norm overflows float32`,
      { hint: "remove or repair that row, or scale the data down" },
    );
    this.row = row;
  }

  /** The same error for data in which this batch starts at row `offset`. */
  shifted(offset: number, what = "input"): NonFiniteError {
    return new NonFiniteError(this.row + offset, what);
  }
}

/** A code lies outside its column's cardinality. */
export class CodeRangeError extends TesseraError {
  readonly row: number;
  readonly column: number;
  /** The code that was found there. `code` is the error's own name. */
  readonly found: number;
  readonly cardinality: number;

  constructor(row: number, column: number, code: number, cardinality: number) {
    super(
      "code-range",
      `code ${code} at row ${row}, column ${column} is outside 0..${cardinality - 1}`,
      { hint: "check that these codes were made by this model" },
    );
    this.row = row;
    this.column = column;
    this.found = code;
    this.cardinality = cardinality;
  }
}

/** A spec string or spec object does not describe a quantizer. `start..end` is the offending part of the string. */
export class SpecError extends TesseraError {
  readonly input: string | undefined;
  readonly start: number;
  readonly end: number;

  constructor(
    message: string,
    where: { input?: string; start?: number; end?: number; hint?: string } = {},
  ) {
    super("spec", message, where.hint === undefined ? {} : { hint: where.hint });
    this.input = where.input;
    this.start = where.start ?? 0;
    this.end = where.end ?? this.start + 1;
  }

  /** The spec with a line of carets under the offending part; empty for a spec object. */
  get excerpt(): string {
    if (this.input === undefined) return "";
    const width = Math.max(1, Math.min(this.end, this.input.length + 1) - this.start);
    return `${this.input}\n${" ".repeat(this.start)}${"^".repeat(width)}`;
  }
}

/** The spec is well formed, but the package that runs one of its parts was not given. */
export class MissingPartError extends TesseraError {
  readonly package: string;

  constructor(part: string, packageName: string) {
    super("missing-part", `"${part}" is run by ${packageName}, which was not given`, {
      hint: `add ${packageName} and pass its part to createQuantizers()`,
    });
    this.package = packageName;
  }
}

/** A file or byte buffer is not what its format says it is. */
export class FormatError extends TesseraError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super("format", message, options);
  }
}

/** A model file was written by a newer version of Tessera. */
export class VersionError extends TesseraError {
  constructor(found: string, supported: number) {
    super("version", `the model has format version ${found}; this build reads up to ${supported}`, {
      hint: "update @tessera packages",
    });
  }
}

/** A backend failed, is missing, or was asked for something it cannot do. */
export class BackendError extends TesseraError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super("backend", message, options);
  }
}

/** A tensor or backend was used after it was disposed. */
export class DisposedError extends TesseraError {
  constructor(what: string) {
    super("disposed", `${what} was used after it was disposed`, {
      hint: "return it from scope() or dispose it later",
    });
  }
}

/** The caller's `AbortSignal` fired. `name` is the platform's, so `error.name === "AbortError"` holds. */
export class AbortedError extends TesseraError {
  constructor(reason?: unknown) {
    super("aborted", "the operation was aborted", { cause: reason });
    this.name = "AbortError";
  }
}

/** Throws {@link AbortedError} if `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortedError(signal.reason);
}
