/** Where a command writes: `process.stdout` and `process.stderr`, or a collector in tests. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What a run of the command sees of the world. */
export interface Environment {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What a piece of text is; the terminal decides how it looks. */
export type Style = "bold" | "dim" | "accent" | "good" | "warning" | "error";

const SGR: Readonly<Record<Style, readonly [string, string]>> = {
  bold: ["1", "22"],
  dim: ["2", "22"],
  accent: ["36", "39"],
  good: ["32", "39"],
  warning: ["33", "39"],
  error: ["31", "39"],
};

export type Paint = (text: string, style: Style) => string;

/**
 * Colours for an output: none unless it is a terminal, and none with `NO_COLOR` (https://no-color.org) or a dumb
 * terminal. `FORCE_COLOR` turns them on where there is no terminal.
 */
export function painter(output: Output, env: Environment["env"]): Paint {
  const forced = (env["FORCE_COLOR"] ?? "0") !== "0" && env["FORCE_COLOR"] !== "";
  const wanted = forced || (output.isTTY === true && env["TERM"] !== "dumb");
  if (!wanted || (env["NO_COLOR"] ?? "") !== "") return (text) => text;
  return (text, style) => {
    const [on, off] = SGR[style];
    return text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

/** Columns to write in: the terminal's, else `COLUMNS`, else 80; never under 40. */
export function widthOf(output: Output, env: Environment["env"]): number {
  const stated = output.columns ?? Number(env["COLUMNS"]);
  return Number.isInteger(stated) && stated > 0 ? Math.max(40, stated) : 80;
}
