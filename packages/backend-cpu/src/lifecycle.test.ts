import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AbortedError, ArgumentError, BackendError, DisposedError } from "@tessera/core";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseEngine, compileEngine } from "./engine.js";
import { createCpuBackend } from "./index.js";
import { ThreadedExecutor } from "./threaded-executor.js";
import { findAddon, platformPackages } from "./native-addon.js";
import { WasmMemory } from "./memory.js";

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
    for (const threads of [0, 1.5, 257, Number.NaN]) {
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
    const starting = createCpuBackend({ threads: 2, engine: "wasm", signal: controller.signal });
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
    const none = { simd: false, relaxedSimd: false };
    expect(chooseEngine("auto", none)).toMatchObject({ engine: "scalar", reason: /no SIMD/ });
    expect(chooseEngine("scalar", all).engine).toBe("scalar");
    expect(() => chooseEngine("wasm", none)).toThrow(BackendError);
  });
});

describe("workers", () => {
  const nothing = (): void => undefined;

  it("that crash reject what is pending, and later calls", async () => {
    const module = await compileEngine("wasm", true);
    const { memory } = WasmMemory.reserve(true);
    const crashing = `const { parentPort } = require("node:worker_threads");
      parentPort.postMessage("ready");
      setTimeout(() => { throw new Error("out of luck"); }, 30);`;
    const executor = await ThreadedExecutor.start(crashing, { module, memory }, 2, nothing);
    executor.enqueue();
    await expect(executor.finished()).rejects.toMatchObject({
      name: "BackendError",
      cause: { message: "out of luck" },
    });
    await expect(executor.finished()).rejects.toThrow(BackendError);
  });

  it("that do not start are an error, not a hang", async () => {
    const module = await compileEngine("wasm", true);
    const { memory } = WasmMemory.reserve(true);
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

describe("native engines", () => {
  const { addon } = findAddon();

  it.skipIf(!addon)("are what a host that has them gets, and say which", async () => {
    const backend = await createCpuBackend({ threads: 2 });
    const { name } = addon!.variants()[0]!;
    expect(backend.info).toMatchObject({
      name: "cpu-native",
      features: ["native", name, "threads"],
    });
    expect(backend.info.reason).toBeUndefined();
    backend.dispose();
  });

  it("that this processor does not have are refused, with what it has", async () => {
    const foreign = process.arch === "arm64" ? "native-avx2" : "native-neon";
    await expect(createCpuBackend({ engine: foreign })).rejects.toThrow(
      /was asked for, but (this processor has|the native engine)/,
    );
  });

  it("are looked for in the packages of the platform", () => {
    expect(platformPackages("linux", "x64")).toEqual([
      "@tessera/backend-cpu-linux-x64-gnu",
      "@tessera/backend-cpu-linux-x64-musl",
    ]);
    expect(platformPackages("aix", "ppc64")).toEqual([]);
  });
});

describe("a process", () => {
  let folder: string;
  beforeAll(async () => {
    const result = await build({
      entryPoints: [fileURLToPath(new URL("index.ts", import.meta.url))],
      alias: {
        "@tessera/core/arguments": fileURLToPath(
          new URL("../../core/src/arguments/index.ts", import.meta.url),
        ),
        "@tessera/core/authoring": fileURLToPath(
          new URL("../../core/src/authoring/index.ts", import.meta.url),
        ),
        "@tessera/core": fileURLToPath(new URL("../../core/src/index.ts", import.meta.url)),
      },
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      logLevel: "error",
    });
    expect(result.warnings).toEqual([]);
    folder = mkdtempSync(join(tmpdir(), "tessera-bundle-"));
    writeFileSync(join(folder, "bundle.mjs"), result.outputFiles[0]!.contents);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a script against the bundle, far from any installed package unless the native engine is asked for. */
  function run(body: string, engine = "auto"): Promise<{ status: number | null; output: string }> {
    const script = `const { createCpuBackend } = await import(process.argv[1]);\n${body}`;
    const bundle = pathToFileURL(join(folder, "bundle.mjs")).href;
    const packages = fileURLToPath(new URL("../node_modules", import.meta.url));
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, bundle], {
      env: {
        ...process.env,
        TESSERA_CPU: engine,
        NODE_PATH: engine === "native" ? packages : "",
      },
    });
    let output = "";
    child.stdout.on("data", (data) => (output += String(data)));
    child.stderr.on("data", (data) => (output += String(data)));
    return new Promise((resolve) => {
      child.on("close", (status) => resolve({ status, output }));
    });
  }

  it("without the platform's package runs wasm, and says why", async () => {
    const { output } = await run(`
      const { info } = await createCpuBackend({ threads: 1 });
      console.log(info.name.startsWith("cpu-wasm"), info.reason);
    `);
    expect(output).toMatch(/^true the native engine is not installed|^true there is no native/);
  });

  const engines = ["wasm", ...(findAddon().addon ? ["native"] : [])];

  for (const engine of engines) {
    describe(engine, () => {
      it.each([1, 2])(
        "ends by itself, but not before pending reads (threads: %i)",
        async (threads) => {
          const { status, output } = await run(
            `const backend = await createCpuBackend({ threads: ${threads} });
          const x = backend.zeros([40000, 64], "float32");
          const { codes } = backend.assign(x, backend.zeros([1, 256, 64], "float32"));
          codes.read().then((values) => console.log(backend.info.name, values.length));`,
            engine,
          );
          expect({ status, output }).toEqual({ status: 0, output: `cpu-${engine} 40000\n` });
        },
      );

      it("that has work enqueued but waits for nothing ends", async () => {
        const { status, output } = await run(
          `const backend = await createCpuBackend({ threads: 2 });
          const x = backend.zeros([100000, 64], "float32");
          const codebooks = backend.zeros([1, 1024, 64], "float32");
          for (let i = 0; i < 200; i++) backend.assign(x, codebooks);
          console.log("enqueued");`,
          engine,
        );
        expect({ status, output }).toEqual({ status: 0, output: "enqueued\n" });
      });

      it("can end a worker in the middle of its work", async () => {
        const { status, output } = await run(
          `const { Worker } = await import("node:worker_threads");
          const worker = new Worker(\`
            const { workerData, parentPort } = require("node:worker_threads");
            import(workerData).then(async ({ createCpuBackend }) => {
              const backend = await createCpuBackend({ threads: 2 });
              const x = backend.zeros([100000, 64], "float32");
              const codebooks = backend.zeros([1, 1024, 64], "float32");
              for (let i = 0; i < 50; i++) backend.assign(x, codebooks).codes.read();
              parentPort.postMessage("busy");
            });
          \`, { eval: true, execArgv: [], workerData: process.argv[1] });
          worker.on("message", async () => {
            await worker.terminate();
            console.log("ended");
          });`,
          engine,
        );
        expect({ status, output }).toEqual({ status: 0, output: "ended\n" });
      });
    });
  }
});
