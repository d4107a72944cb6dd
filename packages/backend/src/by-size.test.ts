import { BackendError, type BackendInfo, type ComputeBackend } from "@tessera/core";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Contest, fastestFor, type Work } from "./by-size.js";
import { pickBackend } from "./index.js";
import { secondsFor } from "./measure.js";

afterEach(() => vi.unstubAllEnvs());

const LARGE: Work = { rows: 1_000_000, dimension: 128, codebookSize: 1024, passes: 20 };

/** A backend by another name that tells whether it was disposed. */
function named(name: string, more: object = {}) {
  const made = createReferenceBackend();
  const info = { ...made.info, name, ...more } as BackendInfo;
  const dispose = vi.fn<() => void>(() => made.dispose());
  return Object.assign(Object.create(made) as ComputeBackend, { info, dispose });
}

/** A contest whose times are given. */
function contest(
  gpu: () => Promise<ComputeBackend>,
  times: Readonly<Record<string, number>>,
  ...others: readonly (() => Promise<ComputeBackend>)[]
) {
  const cpu = named("cpu");
  const started = vi.fn<() => Promise<ComputeBackend>>(gpu);
  const backends: Contest = {
    cpu: async () => cpu,
    rivals: [started, ...others],
    seconds: async ({ info }: { readonly info: BackendInfo }) => times[info.name]!,
  };
  return { cpu, started, backends };
}

describe("the backend for work of a size", () => {
  it("is the CPU for small work, and nothing else is tried", async () => {
    const gpu = named("webgpu");
    const { started, backends } = contest(async () => gpu, {});
    const { backend, reason } = await fastestFor({ ...LARGE, rows: 100, passes: 1 }, backends);
    expect(backend.info.name).toBe("cpu");
    expect(reason).toBe("this work is too small to look for a GPU");
    expect(started).not.toHaveBeenCalled();
  });

  it("is the CPU for large work that it does in no time", async () => {
    const { started, backends } = contest(async () => named("webgpu"), { cpu: 1.234 });
    const { reason } = await fastestFor(LARGE, backends);
    expect(reason).toBe("this work takes it 1.2 s at most, too short to look for a GPU");
    expect(started).not.toHaveBeenCalled();
  });

  it("is the GPU where it is clearly faster, and the CPU is let go", async () => {
    const gpu = named("webgpu");
    const { cpu, backends } = contest(async () => gpu, { cpu: 60, webgpu: 4 });
    const { backend, reason } = await fastestFor(LARGE, backends);
    expect(backend.info.name).toBe("webgpu");
    expect(reason).toBe("tried on a sample, this work takes about 4 s on webgpu, 60 s on cpu");
    expect(cpu.dispose).toHaveBeenCalledTimes(1);
    expect(gpu.dispose).not.toHaveBeenCalled();
  });

  it("is the CPU where the GPU is hardly faster, and the GPU is let go", async () => {
    const gpu = named("webgpu");
    const { cpu, backends } = contest(async () => gpu, { cpu: 60, webgpu: 50 });
    expect((await fastestFor(LARGE, backends)).backend.info.name).toBe("cpu");
    expect(gpu.dispose).toHaveBeenCalledTimes(1);
    expect(cpu.dispose).not.toHaveBeenCalled();
  });

  it("is never a CPU that plays a GPU, whatever it claims", async () => {
    const gpu = named("webgpu", { adapter: { software: true }, reason: "it is a CPU" });
    const { backends } = contest(async () => gpu, { cpu: 60, webgpu: 1 });
    const { backend, reason } = await fastestFor(LARGE, backends);
    expect(backend.info.name).toBe("cpu");
    expect(reason).toBe("it has no rival: webgpu: it is a CPU");
    expect(gpu.dispose).toHaveBeenCalledTimes(1);
  });

  it("is the CPU where there is no GPU, and other failures pass", async () => {
    const absent = contest(() => Promise.reject(new BackendError("no GPU")), { cpu: 60 });
    expect((await fastestFor(LARGE, absent.backends)).reason).toBe("it has no rival: no GPU");
    const broken = contest(() => Promise.reject(new RangeError("a bug")), { cpu: 60 });
    await expect(fastestFor(LARGE, broken.backends)).rejects.toThrow("a bug");
    expect(broken.cpu.dispose).toHaveBeenCalledTimes(1);
  });

  it("is the fastest of several GPUs, and the others are let go", async () => {
    const [gpu, cuda] = [named("webgpu"), named("tensorflow", { features: ["cuda"] })];
    const times = { cpu: 60, webgpu: 4, tensorflow: 2 };
    const { cpu, backends } = contest(
      async () => gpu,
      times,
      async () => cuda,
    );
    const { backend, reason } = await fastestFor(LARGE, backends);
    expect(backend.info.name).toBe("tensorflow");
    expect(reason).toBe(
      "tried on a sample, this work takes about 2 s on tensorflow, 4 s on webgpu, 60 s on cpu",
    );
    for (const { dispose } of [cpu, gpu]) expect(dispose).toHaveBeenCalledTimes(1);
    expect(cuda.dispose).not.toHaveBeenCalled();
  });

  it("is never TensorFlow on the CPU, which is not timed, and says why there is none", async () => {
    const slow = named("tensorflow", { features: [] });
    const { backends } = contest(
      () => Promise.reject(new BackendError("no GPU")),
      { cpu: 60 },
      async () => slow,
    );
    const { backend, reason } = await fastestFor(LARGE, backends);
    expect(backend.info.name).toBe("cpu");
    expect(reason).toBe("it has no rival: no GPU; tensorflow: it has no CUDA device");
    expect(slow.dispose).toHaveBeenCalledTimes(1);
  });

  it("needs positive integers", async () => {
    const { backends } = contest(async () => named("webgpu"), {});
    await expect(fastestFor({ ...LARGE, rows: 0 }, backends)).rejects.toThrow("work.rows is 0");
    await expect(fastestFor({ ...LARGE, passes: 1.5 }, backends)).rejects.toThrow("work.passes");
  });

  it("is timed on a sample, which leaves nothing behind", async () => {
    const backend = await pickBackend({ threads: 1 });
    const before = backend.memory();
    const work = { rows: 1000, dimension: 8, codebookSize: 4 };
    const once = await secondsFor(backend, work);
    expect(once).toBeGreaterThan(0);
    expect(backend.memory()).toEqual(before);
    backend.dispose();
  });

  it("is told with its reason by pickBackend, which a name or the environment overrules", async () => {
    const work = { rows: 100, dimension: 4, codebookSize: 4 };
    const picked = await pickBackend({ work, threads: 1 });
    expect(picked.info.reason).toMatch(/^this work is too small/);
    const x = picked.tensor(Float32Array.of(1, 2), [2, 1]);
    expect([...(await x.read())]).toEqual([1, 2]);
    picked.dispose();
    vi.stubEnv("TESSERA_BACKEND", "cpu");
    const forced = await pickBackend({ work, threads: 1 });
    expect(forced.info.reason ?? "").not.toContain("this work");
    forced.dispose();
  });
});
