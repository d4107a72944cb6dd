import { AbortedError, SpecError, TesseraError } from "@tessera/core";
import { UsageError } from "./args/usage-error.js";
import type { Paint } from "./terminal.js";
import { oneLine } from "./text.js";

/** Statuses that the command ends with. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** The status that an error ends the command with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof AbortedError) return EXIT.interrupted;
  // A spec is written on the command line, so a typo in it is one of usage.
  if (error instanceof UsageError || (error instanceof SpecError && error.input !== undefined)) {
    return EXIT.usage;
  }
  return EXIT.failed;
}

/**
 * An error as lines for stderr: what was wrong, for a spec where, and what to do. The stack only where it was asked for.
 */
export function explainFailure(error: unknown, debug: boolean, paint: Paint): string[] {
  const lines: string[] = [];
  const say = (message: string, hint?: string) => {
    lines.push(`${paint("tessera:", "error")} ${oneLine(message)}`);
    if (error instanceof SpecError && error.excerpt !== "") {
      lines.push(...error.excerpt.split("\n").map((line) => `  ${line}`));
    }
    if (hint !== undefined) lines.push(`${paint("hint:", "accent")} ${oneLine(hint)}`);
  };
  if (error instanceof AbortedError) say("interrupted; nothing was written");
  else if (error instanceof TesseraError) say(error.message, error.hint);
  else {
    const message = error instanceof Error ? error.message : String(error);
    say(
      `unexpected failure: ${message || "without a message"}`,
      debug ? undefined : "this is a bug in tessera; run again with --debug to see where",
    );
  }
  if (debug) lines.push(...stackOf(error));
  return lines;
}

function stackOf(error: unknown): string[] {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (lines.length > 0) lines.push("caused by:");
    lines.push(...(at.stack ?? String(at)).split("\n"));
  }
  return lines;
}
