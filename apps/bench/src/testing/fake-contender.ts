/** A contender for tests: a process that says given lines, or answers as protocol.ts wants. */
import type { Launch } from "../child.js";

export function fakeContender(script: string, ...args: readonly string[]): Launch {
  return {
    command: process.execPath,
    args: ["--input-type=module", "--eval", script, "--", ...args],
    environment: process.env,
  };
}

/**
 * Answers everything; `run` takes no time and says 2 s, and each request leaves a line `NAME op` in a file. With a third
 * argument the process dies at that operation.
 */
export const WELL_BEHAVED = `
  import { appendFileSync, copyFileSync } from "node:fs";
  import { createInterface } from "node:readline";
  const [name, log, diesAt, answer] = process.argv.slice(-4);
  const say = (reply) => process.stdout.write(JSON.stringify(reply) + "\\n");
  say({ ok: true, name, details: [], startBytes: 1 });
  for await (const line of createInterface({ input: process.stdin })) {
    const { op, path } = JSON.parse(line);
    appendFileSync(log, name + " " + op + "\\n");
    if (op === diesAt) {
      console.error("Error: out of luck");
      process.exit(3);
    }
    if (op === "result") copyFileSync(answer, path);
    say(op === "run" ? { ok: true, seconds: [3, 2, 1], peakBytes: 42 } : { ok: true });
  }
`;
