import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AbortedError, ArgumentError, BackendError, DisposedError } from "@tessera/core";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { chooseEngine } from "./engine.js";
import { createCpuBackend } from "./index.js";
import { ThreadedExecutor } from "./threaded-executor.js";
import { compileEngine } from "./engine.js";
import { reserveMemory } from "./memory.js";

describe("createCpuBackend", () => {
  it("says what it runs on", async () => {
    const backend = await createCpuBackend({ threads: 2, engine: "wasm" });
    expect(backend.info).toMatchObject({
      name: "cpu-wasm",
      threads: 2,
      features: ["simd", "threads"],
      reason: "the baseline engine was asked for",
    });
    expect(backend.info.device).toMatch(/, 2 threads, wasm SIMD$/);
    backend.dispose();
  });

  it("refuses options outside what they may be", async () => {
    for (const threads of [0, 1.5, 17, Number.NaN]) {
      await expect(createCpuBackend({ threads })).rejects.toThrow(ArgumentError);
    }
    await expect(createCpuBackend({ engine: "avx" as "wasm" })).rejects.toThrow(/"avx"/);
  });

  it("takes the variables of the environment where no option is given", async () => {
    process.env["TESSERA_THREADS"] = "2";
    process.env["TESSERA_CPU"] = "wasm";
    const fromEnvironment = await createCpuBackend();
    const fromOption = await createCpuBackend({ threads: 1 });
    process.env["TESSERA_THREADS"] = "many";
    await expect(createCpuBackend()).rejects.toThrow(/TESSERA_THREADS is NaN/);
    delete process.env["TESSERA_THREADS"];
    delete process.env["TESSERA_CPU"];
    expect(fromEnvironment.info).toMatchObject({ name: "cpu-wasm", threads: 2 });
    expect(fromOption.info.threads).toBe(1);
    fromEnvironment.dispose();
    fromOption.dispose();
  });

  it("can be given up before it is ready", async () => {
    const early = AbortSignal.abort();
    await expect(createCpuBackend({ signal: early })).rejects.toThrow(AbortedError);
    const controller = new AbortController();
    const starting = createCpuBackend({ threads: 2, signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(starting).rejects.toThrow(AbortedError);
  });

  it("chooses the best engine that the host has, and says why it is not a better one", () => {
    const all = { simd: true, relaxedSimd: true };
    const some = { simd: true, relaxedSimd: false };
    expect(chooseEngine("auto", all)).toEqual({ engine: "wasm-relaxed" });
    expect(chooseEngine("wasm", all).engine).toBe("wasm");
    expect(chooseEngine("auto", some)).toMatchObject({ engine: "wasm", reason: /relaxed/ });
    expect(() => chooseEngine("wasm-relaxed", some)).toThrow(BackendError);
    expect(() => chooseEngine("auto", { simd: false, relaxedSimd: false })).toThrow(BackendError);
  });
});

describe("workers", () => {
  const nothing = (): void => undefined;

  it("that crash reject what is pending, and later calls", async () => {
    const module = await compileEngine("wasm", true);
    const { memory } = reserveMemory(true);
    const crashing = `const { parentPort } = require("node:worker_threads");
      parentPort.postMessage("ready");
      setTimeout(() => { throw new Error("out of luck"); }, 30);`;
    const executor = await ThreadedExecutor.start(crashing, { module, memory }, 2, nothing);
    executor.enqueue(new Uint32Array(48));
    await expect(executor.finished()).rejects.toMatchObject({
      name: "BackendError",
      cause: { message: "out of luck" },
    });
    await expect(executor.finished()).rejects.toThrow(BackendError);
  });

  it("that do not start are an error, not a hang", async () => {
    const module = await compileEngine("wasm", true);
    const { memory } = reserveMemory(true);
    const start = (source: string): Promise<ThreadedExecutor> =>
      ThreadedExecutor.start(source, { module, memory }, 2, nothing);
    await expect(start("throw new Error('no')")).rejects.toThrow(BackendError);
    await expect(start("process.exit(3)")).rejects.toThrow(BackendError);
  });

  it("stop with the backend; pending reads reject", async () => {
    const backend = await createCpuBackend({ threads: 2 });
    const x = backend.zeros([50_000, 64], "float32");
    const { codes } = backend.assign(x, backend.zeros([1, 256, 64], "float32"));
    const reading = codes.read();
    backend.dispose();
    await expect(reading).rejects.toThrow(DisposedError);
    await expect(codes.read()).rejects.toThrow(DisposedError);
    expect(() => backend.zeros([1], "float32")).toThrow(DisposedError);
    expect(backend.memory()).toEqual({ tensors: 0, bytes: 0 });
    backend.dispose();
  });
});

describe("a process", () => {
  let bundle: string;
  beforeAll(async () => {
    const result = await build({
      entryPoints: [fileURLToPath(new URL("index.ts", import.meta.url))],
      alias: {
        "@tessera/core": fileURLToPath(new URL("../../core/src/index.ts", import.meta.url)),
      },
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      logLevel: "error",
    });
    expect(result.warnings).toEqual([]);
    bundle = `data:text/javascript;base64,${Buffer.from(result.outputFiles[0]!.contents).toString("base64")}`;
  });

  function run(body: string): Promise<{ status: number | null; output: string }> {
    const script = `const { createCpuBackend } = await import(process.argv[1]);\n${body}`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, bundle]);
    let output = "";
    child.stdout.on("data", (data) => (output += String(data)));
    child.stderr.on("data", (data) => (output += String(data)));
    return new Promise((resolve) => {
      child.on("close", (status) => resolve({ status, output }));
    });
  }

  it.each([1, 2])("ends by itself, but not before pending reads (threads: %i)", async (threads) => {
    const { status, output } = await run(`
      const backend = await createCpuBackend({ threads: ${threads} });
      const x = backend.zeros([40000, 64], "float32");
      const { codes } = backend.assign(x, backend.zeros([1, 256, 64], "float32"));
      codes.read().then((values) => console.log("read", values.length));
    `);
    expect({ status, output }).toEqual({ status: 0, output: "read 40000\n" });
  });

  it("that has work enqueued but waits for nothing ends", async () => {
    const { status, output } = await run(`
      const backend = await createCpuBackend({ threads: 2 });
      for (let i = 0; i < 2000; i++) backend.zeros([10], "float32");
      console.log("enqueued");
    `);
    expect({ status, output }).toEqual({ status: 0, output: "enqueued\n" });
  });
});
