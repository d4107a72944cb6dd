import { basename } from "node:path";
import { BACKEND_NAMES } from "@tessera/backend";
import {
  bitsFor,
  type CompleteBackend,
  type FitOptions,
  type Model,
  parseSpec,
  printSpec,
  type Spec,
  TesseraError,
} from "@tessera/core";
import { readBytes } from "@tessera/io/node";
import { choice, flag, integer } from "../args/options.js";
import type { Context } from "../context.js";
import { knownQuantizers } from "../quantizers.js";

/** Options that every command has. */
export const OUTPUT_OPTIONS = {
  json: flag("print one JSON object on stdout, and nothing else"),
  quiet: flag("print nothing but failures"),
  debug: flag("show where in the code a failure happened"),
  help: flag("show this help"),
};

/** Options of commands that compute. */
export const BACKEND_OPTIONS = {
  backend: choice(BACKEND_NAMES, {
    help: "where to compute",
    defaultText: "TESSERA_BACKEND, else the fastest for the work",
  }),
  threads: integer({ least: 1, most: 256, help: "threads of the CPU", defaultText: "all cores" }),
};

/** Options of commands that learn a model. */
export const FIT_OPTIONS = {
  seed: integer({ least: 0, help: "same seed, same model", defaultText: "0" }),
  iterations: integer({
    least: 1,
    help: "most passes over the rows for each codebook",
    defaultText: "the quantizer's own",
  }),
  restarts: integer({
    least: 1,
    help: "starts of each codebook, of which the best is kept",
    defaultText: "the quantizer's own",
  }),
  sample: integer({
    least: 1,
    help: "learn from at most this many rows, drawn at random",
    defaultText: "all",
  }),
};

export const BEAM_OPTION = {
  beam: integer({
    least: 1,
    most: 256,
    help: "candidates that the search over levels keeps",
    defaultText: "the model's own",
  }),
};

export interface FitChoice {
  readonly seed: number | undefined;
  readonly iterations: number | undefined;
  readonly restarts: number | undefined;
  readonly sample: number | undefined;
  readonly beam: number | undefined;
}

/** The options of `fit` for what was written on the command line. */
export function fitOptions(
  { seed, iterations, restarts, sample, beam }: FitChoice,
  backend: CompleteBackend,
  context: Context,
): FitOptions {
  return {
    backend,
    signal: context.signal,
    onProgress: context.progress.update,
    seed,
    iterations,
    restarts,
    sample,
    beam,
  };
}

/** Reads a spec, so that a typo in it is found before a file is opened. */
export function readSpec(text: string): { spec: Spec; name: string } {
  const spec = parseSpec(text);
  return { spec, name: printSpec(spec) };
}

export async function loadModel(path: string, context: Context): Promise<Model> {
  const bytes = await readBytes(path, { signal: context.signal });
  return withFileName(path, () => knownQuantizers().load(bytes));
}

/** Runs `read`, which knows bytes but no file, and puts the file's name into what it throws. */
export function withFileName<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TesseraError) error.message = `${path}: ${error.message}`;
    throw error;
  }
}

/** Bits of a row's codes when packed. */
export function bitsPerRow(cardinalities: readonly number[]): number {
  return cardinalities.reduce((sum, k) => sum + bitsFor(k), 0);
}

/** Runs `body` and tells how long it took, in seconds. */
export async function timed<T>(body: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const start = performance.now();
  const value = await body();
  return { value, seconds: (performance.now() - start) / 1000 };
}

/** Seconds with a precision that means something. */
export function roundSeconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

export { basename as fileName };
