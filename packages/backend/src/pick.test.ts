import { BackendError, expectNoLeaks } from "@tessera/core";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type BackendName, defaultBackend, pickBackend, resolveBackend } from "./index.js";

afterEach(() => vi.unstubAllEnvs());

describe("the backend that is chosen", () => {
  it("is one and the same by default, and computes", async () => {
    const backend = await defaultBackend();
    expect(await defaultBackend()).toBe(backend);
    expect(await resolveBackend()).toBe(backend);
    await expectNoLeaks(backend, async () => {
      const x = backend.tensor(Float32Array.of(1, 2, 3), [3]);
      expect([...(await x.read())]).toEqual([1, 2, 3]);
      x.dispose();
    });
  });

  it("is the caller's where one is given, with its optional kernels completed", async () => {
    const own = createReferenceBackend({ minimal: true });
    const resolved = await resolveBackend(own);
    expect(own.assign).toBeUndefined();
    expect(resolved.assign).toBeTypeOf("function");
    expect(await resolveBackend(own)).toBe(resolved);
    own.dispose();
  });

  it("has the threads that were asked for", async () => {
    const backend = await pickBackend({ threads: 1 });
    expect(backend.info.threads).toBe(1);
    backend.dispose();
  });

  it("is the first of several that starts, and says why not another", async () => {
    // Node has no WebGPU that a test could count on; what it lacks, or that it has no GPU, is the reason.
    const backend = await pickBackend({ name: ["webgpu", "cpu"], threads: 1 });
    if (backend.info.name !== "webgpu") {
      expect(backend.info.reason).toContain("webgpu: ");
      expect(backend.info.threads).toBe(1);
    }
    const x = backend.tensor(Float32Array.of(1, 2), [2, 1]);
    expect([...(await backend.assign(x, backend.reshape(x, [1, 2, 1])).codes.read())]).toEqual([
      0, 1,
    ]);
    backend.dispose();
    await expect(pickBackend({ name: [] })).rejects.toThrow("no backend was named");
  });

  it("is TensorFlow where it is asked for, or an error that says how to get it", async () => {
    vi.stubEnv("TESSERA_BACKEND", "tensorflow");
    vi.stubEnv("TESSERA_TFJS_NODE", "no/such/folder");
    const failure: unknown = await pickBackend().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BackendError);
    expect((failure as BackendError).message).toContain("is installed in no/such/folder");
    expect((failure as BackendError).hint).toContain("npm install @tensorflow/tfjs-node");
  });

  it("is an error when its name is unknown, from the call or the environment", async () => {
    await expect(pickBackend({ name: "quantum" as BackendName })).rejects.toThrow(BackendError);
    vi.stubEnv("TESSERA_BACKEND", "tpu");
    await expect(pickBackend()).rejects.toThrow('there is no backend "tpu"');
  });
});
