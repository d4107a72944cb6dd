import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Matrix, Random } from "@tessera/core";
import { encodeNpy } from "@tessera/io";
import { afterAll } from "vitest";
import { run } from "../src/main.js";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** Both outputs are a terminal of this many columns; not a terminal if left out. */
  readonly columns?: number;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Runs a command line in this process and collects what it writes. */
export async function tessera(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { columns, env = {}, signal = new AbortController().signal } = options;
  const collector = () => {
    const pieces: string[] = [];
    return {
      pieces,
      output: {
        write: (text: string) => pieces.push(text),
        isTTY: columns !== undefined,
        columns,
      },
    };
  };
  const stdout = collector();
  const stderr = collector();
  const code = await run(argv, {
    stdout: stdout.output,
    stderr: stderr.output,
    // One thread: the rows are few.
    env: { TESSERA_THREADS: "1", ...env },
    signal,
  });
  return { code, out: stdout.pieces.join(""), err: stderr.pieces.join("") };
}

/** A folder for one test file, removed after it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tessera-cli-"));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Clustered rows, the same every time. */
export function sampleRows(rows: number, cols: number, seed = 1): Matrix {
  const random = new Random(seed);
  const centres = Array.from({ length: 6 * cols }, () => 3 * random.normal());
  const data = Float32Array.from(
    { length: rows * cols },
    (_, at) => centres[(Math.floor(at / cols) % 6) * cols + (at % cols)]! + random.normal(),
  );
  return { data, rows, cols };
}

export async function writeVectors(path: string, { data, rows, cols }: Matrix): Promise<string> {
  await writeFile(path, encodeNpy(data, [rows, cols]));
  return path;
}

/** Names of the files in a folder, hidden ones too. */
export async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}
