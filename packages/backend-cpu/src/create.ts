import {
  ArgumentError,
  AbortedError,
  throwIfAborted,
  type BackendInfo,
  type CompleteBackend,
} from "@tessera/core";
import { CpuBackend } from "./backend.js";
import { Device } from "./device.js";
import { chooseEngine, compileEngine, detectSupport, type Engine } from "./engine.js";
import type { Executor } from "./executor.js";
import { workerSource } from "./generated/worker-source.js";
import { checkThreads, describeHost, environment, type Host } from "./host.js";
import { InlineExecutor } from "./inline-executor.js";
import { placeCommand, reserveMemory } from "./memory.js";
import { Runner } from "./runner.js";
import { ThreadedExecutor } from "./threaded-executor.js";

export interface CpuBackendOptions {
  /**
   * Threads to run kernels on, 1 to 16; with 1 they run on the caller's thread, in short slices. Default: the
   * environment variable `TESSERA_THREADS`, else as many as the host has cores. Results do not depend on it.
   */
  readonly threads?: number | undefined;
  /**
   * Instruction set: `wasm` (SIMD128), `wasm-relaxed` (with relaxed SIMD: faster, and rounded once less where the
   * processor multiplies and adds in one), or `auto`, the best that the host has. Default: the environment variable
   * `TESSERA_CPU`, else `auto`.
   */
  readonly engine?: "auto" | Engine | undefined;
  /** Gives up starting. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the CPU backend: wasm SIMD kernels, on worker threads where the host allows shared memory.
 *
 * @throws {BackendError} if the host has no wasm SIMD, or not the engine asked for
 * @throws {ArgumentError} if an option is outside what it may be
 * @throws {AbortedError} if `signal` fires before the backend is ready
 */
export async function createCpuBackend(options: CpuBackendOptions = {}): Promise<CompleteBackend> {
  const { signal } = options;
  throwIfAborted(signal);
  const host = describeHost();
  const { engine, reason } = chooseEngine(wantedEngine(options.engine), detectSupport());
  const threads = wantedThreads(options.threads) ?? host.parallelism;
  const reasons = reason === undefined ? [] : [reason];
  if (threads > 1) {
    if (host.noThreads === undefined) {
      try {
        return await threadedBackend(engine, host, threads, reasons, signal);
      } catch (error) {
        if (error instanceof AbortedError) throw error;
        reasons.push(`threads did not start: ${messageOf(error)}`);
      }
    } else {
      reasons.push(host.noThreads);
    }
  }
  return inlineBackend(engine, host, reasons, signal);
}

async function threadedBackend(
  engine: Engine,
  host: Host,
  threads: number,
  reasons: readonly string[],
  signal: AbortSignal | undefined,
): Promise<CpuBackend> {
  const module = await compileEngine(engine, true);
  throwIfAborted(signal);
  const { memory, limit } = reserveMemory(true);
  const executor = await ThreadedExecutor.start(
    workerSource,
    { module, memory },
    threads,
    (words, slot) => placeCommand(memory, words, slot),
    signal,
  );
  const device = new Device(memory, limit, executor);
  return new CpuBackend(device, describe(engine, host, executor, device, reasons));
}

async function inlineBackend(
  engine: Engine,
  host: Host,
  reasons: readonly string[],
  signal: AbortSignal | undefined,
): Promise<CpuBackend> {
  const module = await compileEngine(engine, false);
  throwIfAborted(signal);
  const { memory, limit } = reserveMemory(false);
  const executor = new InlineExecutor(new Runner(module, memory, 0), (words) =>
    placeCommand(memory, words, 0),
  );
  const device = new Device(memory, limit, executor);
  return new CpuBackend(device, describe(engine, host, executor, device, reasons));
}

function describe(
  engine: Engine,
  host: Host,
  { threads }: Executor,
  device: Device,
  reasons: readonly string[],
): BackendInfo {
  const relaxed = engine === "wasm-relaxed";
  return {
    name: relaxed ? "cpu-wasm-relaxed" : "cpu-wasm",
    device: `${host.processor}, ${threads} thread${threads === 1 ? "" : "s"}, wasm ${relaxed ? "relaxed " : ""}SIMD`,
    features: ["simd", ...(relaxed ? ["relaxed-simd"] : []), ...(threads > 1 ? ["threads"] : [])],
    threads,
    maxTensorBytes: device.maxBytes,
    ...(reasons.length > 0 ? { reason: reasons.join("; ") } : {}),
  };
}

function wantedEngine(option: CpuBackendOptions["engine"]): "auto" | Engine {
  const wanted = option ?? environment("TESSERA_CPU") ?? "auto";
  if (wanted === "auto" || wanted === "wasm" || wanted === "wasm-relaxed") return wanted;
  throw new ArgumentError(`the CPU engine "${wanted}" is not known`, {
    hint: "use auto, wasm or wasm-relaxed, as option engine or in TESSERA_CPU",
  });
}

function wantedThreads(option: number | undefined): number | undefined {
  if (option !== undefined) return checkThreads(option, "threads");
  const variable = environment("TESSERA_THREADS");
  return variable === undefined ? undefined : checkThreads(Number(variable), "TESSERA_THREADS");
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
