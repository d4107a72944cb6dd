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
  gpu(): Promise<ComputeBackend>;
  /** Seconds that the work takes on a backend; below `ample`, roughly. */
  readonly seconds?: (backend: CompleteBackend, work: Work, ample?: number) => Promise<number>;
}

/**
 * The backend on which this work is fastest, and why it is that one. The CPU unless the work is large, there is a GPU
 * that is not a CPU in disguise, and both of them, tried on a sample, say that it pays.
 *
 * @throws {ArgumentError} if the work is not described by positive integers
 * @throws {BackendError} if the CPU backend does not start
 */
export async function fastestFor(
  work: Work,
  { cpu: startCpu, gpu: startGpu, seconds = secondsFor }: Contest,
): Promise<{ readonly backend: CompleteBackend; readonly reason: string }> {
  const size = multiplications(work);
  const cpu = completeBackend(await startCpu());
  const stay = (reason: string) => ({ backend: cpu, reason });
  if (size < SMALL) return stay("this work is too small to look for a GPU");
  let gpu: CompleteBackend | undefined;
  try {
    const here = await seconds(cpu, work, LEAST_SECONDS);
    if (here < LEAST_SECONDS) {
      return stay(`this work takes it ${inWords(here)} at most, too short to look for a GPU`);
    }
    const started = await startGpu().catch(unlessBackendError);
    if (typeof started === "string") return stay(`it has no rival: ${started}`);
    const detour = detourOf(started);
    if (detour !== undefined) {
      started.dispose();
      return stay(`it has no rival: ${detour}`);
    }
    gpu = completeBackend(started);
    const there = await seconds(gpu, work);
    const figures = `about ${inWords(there)} on ${gpu.info.name}, ${inWords(here)} on ${cpu.info.name}`;
    const reason = `tried on a sample, this work takes ${figures}`;
    const [winner, loser] = there * LEAST_GAIN < here ? [gpu, cpu] : [cpu, gpu];
    loser.dispose();
    return { backend: winner, reason };
  } catch (error) {
    cpu.dispose();
    gpu?.dispose();
    throw error;
  }
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
