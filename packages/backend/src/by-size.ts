import {
  ArgumentError,
  BackendError,
  type CompleteBackend,
  completeBackend,
  type ComputeBackend,
} from "@tessera/core";
import { secondsFor } from "./measure.js";

/** What is to be computed, so that it can be told where that is fastest. */
export interface Work {
  readonly rows: number;
  /** Values per row. */
  readonly dimension: number;
  readonly codebookSize: number;
  /** How often each row is compared with a whole codebook: for a fit, levels times iterations. Default 1. */
  readonly passes?: number | undefined;
}

/**
 * Work below this many multiplications is no occasion to measure anything: it takes about a second on the slowest engine
 * that there is (wasm without SIMD, on one thread), and a few milliseconds on the fastest.
 */
const SMALL = 2 ** 30;

/** What the CPU does in less is not worth a GPU: finding one, opening it and compiling kernels takes some tenths of it. */
const LEAST_SECONDS = 2;

/** How much faster a GPU must be. It was measured on a sample, while other things ran. */
const LEAST_GAIN = 1.5;

/** How backends are started and timed; tests put their own in place. */
export interface Contest {
  cpu(): Promise<ComputeBackend>;
  /** Those that may have a GPU. */
  readonly rivals: readonly (() => Promise<ComputeBackend>)[];
  /** Seconds that the work takes on a backend; below `ample`, roughly. */
  readonly seconds?: (backend: CompleteBackend, work: Work, ample?: number) => Promise<number>;
}

/**
 * The backend on which this work is fastest, and why it is that one. The CPU unless the work is large, there is a backend on
 * a GPU that is not a CPU in disguise, and both of them, tried on a sample, say that it pays. Of several, the fastest.
 *
 * @throws {ArgumentError} if the work is not described by positive integers
 * @throws {BackendError} if the CPU backend does not start
 */
export async function fastestFor(
  work: Work,
  { cpu: startCpu, rivals, seconds = secondsFor }: Contest,
): Promise<{ readonly backend: CompleteBackend; readonly reason: string }> {
  const size = multiplications(work);
  const cpu = completeBackend(await startCpu());
  const stay = (reason: string) => ({ backend: cpu, reason });
  if (size < SMALL) return stay("this work is too small to look for a GPU");
  const running = new Set<ComputeBackend>([cpu]);
  try {
    const here = await seconds(cpu, work, LEAST_SECONDS);
    if (here < LEAST_SECONDS) {
      return stay(`this work takes it ${inWords(here)} at most, too short to look for a GPU`);
    }
    const absent: string[] = [];
    const tried: { readonly backend: CompleteBackend; readonly seconds: number }[] = [];
    for (const start of rivals) {
      const started = await start().catch(unlessBackendError);
      if (typeof started === "string") {
        absent.push(started);
        continue;
      }
      running.add(started);
      const lack = detourOf(started) ?? lackOf(started);
      if (lack === undefined) {
        const backend = completeBackend(started);
        tried.push({ backend, seconds: await seconds(backend, work) });
      } else absent.push(lack);
    }
    const [best] = tried.sort((one, other) => one.seconds - other.seconds);
    const winner = best && best.seconds * LEAST_GAIN < here ? best.backend : cpu;
    for (const backend of running) {
      if (completeBackend(backend) !== winner) backend.dispose();
    }
    if (!best) return { backend: winner, reason: `it has no rival: ${absent.join("; ")}` };
    const figures = [...tried, { backend: cpu, seconds: here }]
      .map(({ backend, seconds: taken }) => `${inWords(taken)} on ${backend.info.name}`)
      .join(", ");
    return { backend: winner, reason: `tried on a sample, this work takes about ${figures}` };
  } catch (error) {
    for (const backend of running) backend.dispose();
    throw error;
  }
}

/** Why TensorFlow, which computes on the CPU where it finds no CUDA device, is no rival of our own kernels there. */
function lackOf({ info }: ComputeBackend): string | undefined {
  if (info.name !== "tensorflow" || info.features.includes("cuda")) return undefined;
  return "tensorflow: it has no CUDA device";
}

/** Why a backend that started is no better than the CPU. */
export function detourOf({ info }: ComputeBackend): string | undefined {
  const { adapter } = info as { readonly adapter?: { readonly software: boolean } };
  return adapter?.software === true ? `${info.name}: ${info.reason}` : undefined;
}

function multiplications({ rows, dimension, codebookSize, passes = 1 }: Work): number {
  for (const [name, value] of Object.entries({ rows, dimension, codebookSize, passes })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new ArgumentError(`work.${name} is ${value}; it must be an integer from 1`);
    }
  }
  return rows * dimension * codebookSize * passes;
}

function unlessBackendError(error: unknown): string {
  if (error instanceof BackendError) return error.message;
  throw error;
}

function inWords(seconds: number): string {
  return `${Number(seconds.toPrecision(2))} s`;
}
