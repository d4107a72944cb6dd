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
function contest(gpu: () => Promise<ComputeBackend>, times: Readonly<Record<string, number>>) {
  const cpu = named("cpu");
  const rivals = {
    cpu: async () => cpu,
    gpu: vi.fn<() => Promise<ComputeBackend>>(gpu),
    seconds: async ({ info }: { readonly info: BackendInfo }) => times[info.name]!,
  } satisfies Contest;
  return { cpu, rivals };
}

describe("the backend for work of a size", () => {
  it("is the CPU for small work, and nothing else is tried", async () => {
    const gpu = named("webgpu");
    const { rivals } = contest(async () => gpu, {});
    const { backend, reason } = await fastestFor({ ...LARGE, rows: 100, passes: 1 }, rivals);
    expect(backend.info.name).toBe("cpu");
    expect(reason).toBe("this work is too small to look for a GPU");
    expect(rivals.gpu).not.toHaveBeenCalled();
  });

  it("is the CPU for large work that it does in no time", async () => {
    const { rivals } = contest(async () => named("webgpu"), { cpu: 1.234 });
    const { reason } = await fastestFor(LARGE, rivals);
    expect(reason).toBe("this work takes it 1.2 s at most, too short to look for a GPU");
    expect(rivals.gpu).not.toHaveBeenCalled();
  });

  it("is the GPU where it is clearly faster, and the CPU is let go", async () => {
    const gpu = named("webgpu");
    const { cpu, rivals } = contest(async () => gpu, { cpu: 60, webgpu: 4 });
    const { backend, reason } = await fastestFor(LARGE, rivals);
    expect(backend.info.name).toBe("webgpu");
    expect(reason).toBe("tried on a sample, this work takes about 4 s on webgpu, 60 s on cpu");
    expect(cpu.dispose).toHaveBeenCalledTimes(1);
    expect(gpu.dispose).not.toHaveBeenCalled();
  });

  it("is the CPU where the GPU is hardly faster, and the GPU is let go", async () => {
    const gpu = named("webgpu");
    const { cpu, rivals } = contest(async () => gpu, { cpu: 60, webgpu: 50 });
    expect((await fastestFor(LARGE, rivals)).backend.info.name).toBe("cpu");
    expect(gpu.dispose).toHaveBeenCalledTimes(1);
    expect(cpu.dispose).not.toHaveBeenCalled();
  });

  it("is never a CPU that plays a GPU, whatever it claims", async () => {
    const gpu = named("webgpu", { adapter: { software: true }, reason: "it is a CPU" });
    const { rivals } = contest(async () => gpu, { cpu: 60, webgpu: 1 });
    const { backend, reason } = await fastestFor(LARGE, rivals);
    expect(backend.info.name).toBe("cpu");
    expect(reason).toBe("it has no rival: webgpu: it is a CPU");
    expect(gpu.dispose).toHaveBeenCalledTimes(1);
  });

  it("is the CPU where there is no GPU, and other failures pass", async () => {
    const absent = contest(() => Promise.reject(new BackendError("no GPU")), { cpu: 60 });
    expect((await fastestFor(LARGE, absent.rivals)).reason).toBe("it has no rival: no GPU");
    const broken = contest(() => Promise.reject(new RangeError("a bug")), { cpu: 60 });
    await expect(fastestFor(LARGE, broken.rivals)).rejects.toThrow("a bug");
    expect(broken.cpu.dispose).toHaveBeenCalledTimes(1);
  });

  it("needs positive integers", async () => {
    const { rivals } = contest(async () => named("webgpu"), {});
    await expect(fastestFor({ ...LARGE, rows: 0 }, rivals)).rejects.toThrow("work.rows is 0");
    await expect(fastestFor({ ...LARGE, passes: 1.5 }, rivals)).rejects.toThrow("work.passes");
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
