import { parseArgs } from "node:util";
import type { Option, Options } from "./options.js";
import { nearest } from "./suggest.js";
import { UsageError } from "./usage-error.js";

/** An argument without a name, such as `<vectors>`. */
export interface Positional {
  readonly name: string;
  readonly help: string;
  /** Whether it may be left out; only the last may. */
  readonly optional?: boolean;
}

export interface Parsed {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
  /** The options that were written, each once. */
  readonly given: ReadonlySet<string>;
}

/** What the parser needs to know of a command. */
export interface Syntax {
  readonly name: string;
  readonly usage: string;
  readonly positionals: readonly Positional[];
  readonly options: Options;
}

/**
 * Reads a command's arguments. `--name value` and `--name=value` are the same; of an option given twice, the last counts,
 * so that a script's options can be overridden by what is written after them.
 *
 * @throws {UsageError} with the nearest right option for a misspelt one
 */
export function parseArguments(argv: readonly string[], syntax: Syntax): Parsed {
  const { options } = syntax;
  const table = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [
      name,
      { type: option.placeholder === undefined ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: table,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });

  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, option.fallback]),
  );
  const positionals: string[] = [];
  const given = new Set<string>();
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) throw unknownOption(token.rawName, syntax);
    values[token.name] = readValue(option, token.name, token.value, options);
    given.add(token.name);
  }
  checkComplete(positionals, given, syntax);
  return { positionals, values, given };
}

function readValue(
  option: Option<unknown>,
  name: string,
  value: string | undefined,
  options: Options,
): unknown {
  if (option.placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value, got "${value}"`);
    return option.parse("", name);
  }
  if (value === undefined) {
    throw new UsageError(`--${name} needs a value`, `write --${name} ${option.placeholder}`);
  }
  // `--out --json`: the value was forgotten, and the next option must not be taken for it.
  if (value.startsWith("--") && Object.hasOwn(options, value.slice(2))) {
    throw new UsageError(
      `--${name} needs a value, and "${value}" is an option`,
      `write --${name} ${option.placeholder}, or --${name}=${value} if it is meant`,
    );
  }
  return option.parse(value, name);
}

function unknownOption(written: string, syntax: Syntax): UsageError {
  const bare = written.replace(/^-+/, "");
  const near = nearest(bare, Object.keys(syntax.options));
  return new UsageError(
    `unknown option ${written} for "tessera ${syntax.name}"`,
    near === undefined
      ? `see tessera ${syntax.name} --help`
      : `did you mean --${near}? See tessera ${syntax.name} --help`,
  );
}

function checkComplete(
  positionals: readonly string[],
  given: ReadonlySet<string>,
  syntax: Syntax,
): void {
  const missing = syntax.positionals[positionals.length];
  if (missing !== undefined && missing.optional !== true) {
    throw new UsageError(`${syntax.name} needs ${missing.name}`, `usage: ${syntax.usage}`);
  }
  const extra = positionals[syntax.positionals.length];
  if (extra !== undefined) {
    throw new UsageError(`"${extra}" is one argument too many`, `usage: ${syntax.usage}`);
  }
  for (const [name, option] of Object.entries(syntax.options)) {
    if (option.required && !given.has(name)) {
      throw new UsageError(`${syntax.name} needs --${name}`, `usage: ${syntax.usage}`);
    }
  }
}
