import {
  AbortedError,
  ArgumentError,
  BackendError,
  throwIfAborted,
  type CompleteBackend,
} from "@tessera/core";
import { CpuBackend } from "./backend.js";
import { MAX_WASM_THREADS } from "./command.js";
import { Device } from "./device.js";
import { chooseEngine, compileEngine, detectSupport, type WasmEngine } from "./engine.js";
import { workerSource } from "./generated/worker-source.js";
import { wasmLayout } from "./grain.js";
import { checkThreads, describeHost, environment, type Host } from "./host.js";
import { InlineExecutor } from "./inline-executor.js";
import { WasmMemory } from "./memory.js";
import { findAddon } from "./native-addon.js";
import { NativeExecutor } from "./native-executor.js";
import { Runner } from "./runner.js";
import { ThreadedExecutor } from "./threaded-executor.js";

/** Instruction sets that native engines are built for. */
const NATIVE_VARIANTS = ["avx512vnni", "avx512", "avx2vnni", "avx2", "neon"] as const;

/**
 * What the kernels run as: `native` for the best instruction set of the machine, or a certain one, such as
 * `native-avx2`; `wasm` (SIMD128), `wasm-relaxed` (relaxed SIMD), `scalar` (wasm without SIMD).
 */
export type CpuEngine = "native" | `native-${(typeof NATIVE_VARIANTS)[number]}` | WasmEngine;

const ENGINES: readonly string[] = [
  "native",
  ...NATIVE_VARIANTS.map((name) => `native-${name}`),
  "wasm",
  "wasm-relaxed",
  "scalar",
];

export interface CpuBackendOptions {
  /**
   * Threads to run kernels on, 1 to 256; wasm engines use up to 16, and with 1 run on the caller's thread, in short
   * slices. Default: the environment variable `TESSERA_THREADS`, else as many as the host has cores, or as a container's
   * CPU quota allows. Results do not depend on it.
   */
  readonly threads?: number | undefined;
  /**
   * What the kernels run as. Engines differ in speed and in the last bits. Default: the environment variable
   * `TESSERA_CPU`, else `auto`: the fastest that the host has.
   */
  readonly engine?: "auto" | CpuEngine | undefined;
  /** Gives up starting. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the CPU backend: native kernels on threads of their own where the platform's package is installed; else wasm
 * SIMD kernels, on worker threads where the host allows shared memory.
 *
 * @throws {BackendError} if the host has not the engine asked for
 * @throws {ArgumentError} if an option is outside what it may be
 * @throws {AbortedError} if `signal` fires before the backend is ready
 */
export async function createCpuBackend(options: CpuBackendOptions = {}): Promise<CompleteBackend> {
  const { signal } = options;
  throwIfAborted(signal);
  const wanted = wantedEngine(options.engine);
  const host = describeHost();
  const threads = wantedThreads(options.threads) ?? host.parallelism;
  const reasons: string[] = [];
  if (wanted === "auto" || wanted.startsWith("native")) {
    const native = nativeBackend(wanted, host, threads);
    if (native instanceof CpuBackend) return native;
    if (wanted !== "auto") {
      throw new BackendError(
        `${wanted} was asked for, but ${native ?? "this host takes no addons"}`,
        {
          hint: "engine: 'auto' takes what there is",
        },
      );
    }
    if (native !== undefined) reasons.push(native);
  }
  return wasmBackend(wanted as "auto" | WasmEngine, host, threads, reasons, signal);
}

/** The backend, or why there is none; undefined where nobody would expect one. */
function nativeBackend(
  wanted: string,
  host: Host,
  threads: number,
): CpuBackend | string | undefined {
  const { addon, reason } = findAddon();
  if (addon === undefined) return reason;
  const variants = addon.variants();
  const variant =
    wanted === "auto" || wanted === "native"
      ? variants[0]!
      : variants.find(({ name }) => wanted === `native-${name}`);
  if (variant === undefined) {
    return `this processor has ${variants.map(({ name }) => name).join(" and ")} alone`;
  }
  const executor = new NativeExecutor(addon, variant.name, threads);
  const device = new Device(executor.memory, executor, variant);
  return new CpuBackend(device, {
    name: "cpu-native",
    device: `${host.processor}, ${inWords(threads)}, native ${variant.name}`,
    features: ["native", variant.name, ...(threads > 1 ? ["threads"] : [])],
    threads,
    maxTensorBytes: device.maxBytes,
    ...(wanted === "auto" ? {} : { reason: `${wanted} was asked for` }),
  });
}

async function wasmBackend(
  wanted: "auto" | WasmEngine,
  host: Host,
  threads: number,
  reasons: string[],
  signal: AbortSignal | undefined,
): Promise<CpuBackend> {
  const { engine, reason } = chooseEngine(wanted, detectSupport());
  if (reason !== undefined) reasons.push(reason);
  let device: Device | undefined;
  if (threads > MAX_WASM_THREADS) reasons.push(`wasm runs on ${MAX_WASM_THREADS} threads at most`);
  if (threads > 1) {
    if (host.noThreads === undefined) {
      try {
        device = await threadedDevice(engine, Math.min(threads, MAX_WASM_THREADS), signal);
      } catch (error) {
        if (error instanceof AbortedError) throw error;
        reasons.push(`threads did not start: ${messageOf(error)}`);
      }
    } else {
      reasons.push(host.noThreads);
    }
  }
  device ??= await inlineDevice(engine, signal);
  const { threads: running } = device.executor;
  const simd = { wasm: "SIMD", "wasm-relaxed": "relaxed SIMD", scalar: "without SIMD" }[engine];
  return new CpuBackend(device, {
    name: engine === "scalar" ? "cpu-scalar" : `cpu-${engine}`,
    device: `${host.processor}, ${inWords(running)}, wasm ${simd}`,
    features: [
      ...(engine === "scalar" ? [] : ["simd"]),
      ...(engine === "wasm-relaxed" ? ["relaxed-simd"] : []),
      ...(running > 1 ? ["threads"] : []),
    ],
    threads: running,
    maxTensorBytes: device.maxBytes,
    ...(reasons.length > 0 ? { reason: reasons.join("; ") } : {}),
  });
}

async function threadedDevice(
  engine: WasmEngine,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<Device> {
  const module = await compileEngine(engine, true);
  throwIfAborted(signal);
  const memory = WasmMemory.reserve(true);
  const executor = await ThreadedExecutor.start(
    workerSource,
    { module, memory: memory.memory },
    threads,
    (words, slot) => memory.place(words, slot),
    signal,
  );
  return new Device(memory, executor, wasmLayout(engine));
}

async function inlineDevice(engine: WasmEngine, signal: AbortSignal | undefined): Promise<Device> {
  const module = await compileEngine(engine, false);
  throwIfAborted(signal);
  const memory = WasmMemory.reserve(false);
  const executor = new InlineExecutor(new Runner(module, memory.memory, 0), (words) =>
    memory.place(words, 0),
  );
  return new Device(memory, executor, wasmLayout(engine));
}

function wantedEngine(option: CpuBackendOptions["engine"]): "auto" | CpuEngine {
  const wanted = option ?? environment("TESSERA_CPU") ?? "auto";
  if (wanted === "auto" || ENGINES.includes(wanted)) return wanted as "auto" | CpuEngine;
  throw new ArgumentError(`the CPU engine "${wanted}" is not known`, {
    hint: `use auto, ${ENGINES.join(", ")}, as option engine or in TESSERA_CPU`,
  });
}

function wantedThreads(option: number | undefined): number | undefined {
  if (option !== undefined) return checkThreads(option, "threads");
  const variable = environment("TESSERA_THREADS");
  return variable === undefined ? undefined : checkThreads(Number(variable), "TESSERA_THREADS");
}

function inWords(threads: number): string {
  return `${threads} thread${threads === 1 ? "" : "s"}`;
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
