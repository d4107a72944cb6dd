import type { Context } from "../context.js";
import type { Options, Values } from "./options.js";
import type { Parsed, Positional, Syntax } from "./parse.js";

/** A command of the command line, with the types of its options forgotten. */
export interface Command extends Syntax {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it does, in sentences. */
  readonly description: string;
  readonly examples: readonly string[];
  readonly execute: (parsed: Parsed, context: Context) => Promise<void>;
}

export interface CommandDefinition<O extends Options> {
  readonly name: string;
  /** Without the leading `tessera name`: the arguments that matter most. */
  readonly arguments: string;
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly string[];
  readonly positionals: readonly Positional[];
  readonly options: O;
  /** Runs the command. Throwing fails it; everything it promises to write is then not written. */
  readonly run: (given: Given<O>, context: Context) => Promise<void>;
}

/** A command line that fits the command. */
export interface Given<O extends Options> {
  readonly positionals: readonly string[];
  readonly values: Values<O>;
  /** Which options were written rather than left to their defaults. */
  readonly given: ReadonlySet<string>;
}

export function defineCommand<const O extends Options>(definition: CommandDefinition<O>): Command {
  const { run, arguments: argumentsText, ...rest } = definition;
  return {
    ...rest,
    usage: `tessera ${definition.name} ${argumentsText}`.trim(),
    // The parser filled in a value of the right type for every option of this very table.
    execute: (parsed, context) => run(parsed as unknown as Given<O>, context),
  };
}
