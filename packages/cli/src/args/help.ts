import type { Paint } from "../terminal.js";
import { wrap } from "../text.js";
import type { Command } from "./command.js";
import type { Option } from "./options.js";

/** Help is easier to read in a column than across a wide screen. */
const WIDEST = 80;

/** Help of the whole program: what it is, its commands, and where to read on. */
export function programHelp(commands: readonly Command[], columns: number, paint: Paint): string {
  const width = Math.min(WIDEST, columns);
  const list = commands.map((command): [string, string] => [command.name, command.summary]);
  return [
    ...wrap("Turns embeddings into discrete codes: compressed vectors and Semantic IDs.", width),
    "",
    paint("Usage", "bold"),
    "  tessera <command> [options]",
    "",
    paint("Commands", "bold"),
    ...entries(list, width, paint),
    "",
    paint("Try", "bold"),
    ...["tessera ids vectors.npy", "tessera ids --help", "tessera doctor"].map(
      (line) => `  ${line}`,
    ),
    "",
    ...wrap(
      "Vectors are read from .npy, .fvecs, .bvecs, .ivecs, .safetensors, .parquet, .arrow, .feather, .jsonl, .csv and .tsv files.",
      width,
    ),
    "",
  ].join("\n");
}

/** Help of one command. */
export function commandHelp(command: Command, columns: number, paint: Paint): string {
  const width = Math.min(WIDEST, columns);
  const options = Object.entries(command.options).map(([name, option]): [string, string] => [
    `--${name}${option.placeholder === undefined ? "" : ` ${option.placeholder}`}`,
    explain(option),
  ]);
  return [
    ...wrap(command.description, width),
    "",
    paint("Usage", "bold"),
    ...wrap(command.usage, width, "  ", "      "),
    ...(command.positionals.length === 0
      ? []
      : [
          "",
          paint("Arguments", "bold"),
          ...entries(
            command.positionals.map(({ name, help }) => [name, help]),
            width,
            paint,
          ),
        ]),
    "",
    paint("Options", "bold"),
    ...entries(options, width, paint),
    "",
    paint("Examples", "bold"),
    ...command.examples.flatMap((example) => wrapCommand(example.split(" "), width)),
    "",
  ].join("\n");
}

/**
 * Breaks a command line as a shell would take it, and never within a word or between an option and its value.
 *
 * @param words of the command, quoted where they need it
 */
export function wrapCommand(words: readonly string[], width: number): string[] {
  const joined = words
    .map((word) => word.replaceAll(" ", "\u00a0"))
    .join(" ")
    .replaceAll(/(--[\w-]+) (?!-)/g, "$1\u00a0");
  return wrap(joined, width, "  ", "      ", " \\").map((part) => part.replaceAll("\u00a0", " "));
}

function explain(option: Option<unknown>): string {
  const notes = [
    ...(option.required ? ["required"] : []),
    ...(option.defaultText === undefined ? [] : [`default ${option.defaultText}`]),
  ];
  return notes.length === 0 ? option.help : `${option.help} (${notes.join(", ")})`;
}

/** Names on the left, explanations on the right; a name too long for its column has a line of its own. */
function entries(
  list: readonly (readonly [string, string])[],
  width: number,
  paint: Paint,
): string[] {
  const longest = list.reduce((most, [name]) => Math.max(most, name.length), 0);
  const column = Math.min(longest, Math.max(12, Math.floor(width / 3) - 4));
  const margin = " ".repeat(column + 4);
  return list.flatMap(([name, help]) => {
    const lines = wrap(help, width, margin);
    const head = `  ${paint(name, "accent")}`;
    return name.length > column
      ? [head, ...lines]
      : [head + " ".repeat(column - name.length + 2) + lines[0]!.trimStart(), ...lines.slice(1)];
  });
}
