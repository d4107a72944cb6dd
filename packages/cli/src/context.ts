import { type BackendName, pickBackend, type Work } from "@tessera/backend";
import type { CompleteBackend } from "@tessera/core";
import { createProgressBar, type ProgressBar } from "./progress.js";
import { type Environment, type Paint, painter, widthOf } from "./terminal.js";

/** What a command works with: where to write, and how. */
export interface Context {
  readonly signal: AbortSignal;
  readonly env: Environment["env"];
  /** Columns and colours of stdout. */
  readonly width: number;
  readonly paint: Paint;
  readonly progress: ProgressBar;
  /** The command line, to be run again. */
  readonly commandLine: string;
  /** A line of the result, on stdout. */
  print(line?: string): void;
  /** A line about what happened, on stderr; shown only to a person at a terminal. */
  note(line: string): void;
  /** The one JSON object of `--json`, on stdout. */
  json(value: unknown): void;
}

/** Options that every command has and that shape its output. */
export interface OutputSwitches {
  readonly quiet: boolean;
  readonly json: boolean;
}

export function createContext(
  environment: Environment,
  switches: OutputSwitches,
  argv: readonly string[],
): Context {
  const { stdout, stderr, env, signal } = environment;
  const talks = stderr.isTTY === true && !switches.quiet && env["TERM"] !== "dumb";
  const progress = createProgressBar(
    talks ? stderr : undefined,
    widthOf(stderr, env),
    painter(stderr, env),
  );
  return {
    signal,
    env,
    width: widthOf(stdout, env),
    paint: painter(stdout, env),
    progress,
    commandLine: ["tessera", ...argv].map(quoteForShell).join(" "),
    print(line = "") {
      if (switches.quiet || switches.json) return;
      progress.clear();
      stdout.write(`${line}\n`);
    },
    note(line) {
      if (!talks) return;
      progress.clear();
      stderr.write(`${line}\n`);
    },
    json(value) {
      if (!switches.json) return;
      progress.clear();
      stdout.write(`${JSON.stringify(value)}\n`);
    },
  };
}

/** A word as a shell takes it for one. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What a person may say about where to compute. */
export interface BackendChoice {
  readonly backend?: BackendName | undefined;
  readonly threads?: number | undefined;
}

/**
 * Runs `body` on a backend of its own, and disposes it. Where nobody says which, and it is told how much work there is, it
 * is the one that is fastest for that; a person is told why it is not the CPU.
 */
export async function withBackend<T>(
  { backend: name, threads }: BackendChoice,
  body: (backend: CompleteBackend) => Promise<T>,
  sized?: { readonly work: Work | undefined; readonly context: Context },
): Promise<T> {
  const backend = await pickBackend({ name, threads, work: sized?.work });
  const { info } = backend;
  if (sized && info.reason !== undefined && !info.name.startsWith("cpu")) {
    sized.context.note(`computing on ${info.name}, ${info.device}: ${info.reason}`);
  }
  try {
    return await body(backend);
  } finally {
    backend.dispose();
  }
}
