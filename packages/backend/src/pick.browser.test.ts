import { conformanceCases } from "@tessera/backend-testkit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { pickBackend } from "./index.js";

const name = ["webgpu", "cpu"] as const;

describe("a page", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("without a GPU gets the CPU backend, and why", async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU;
    vi.spyOn(navigator, "gpu", "get").mockReturnValue(none);
    const backend = await pickBackend({ name });
    expect(backend.info.name).toMatch(/^cpu-wasm/);
    expect(backend.info.reason).toContain("webgpu: WebGPU finds no GPU");
    backend.dispose();
  });

  it("with a GPU gets that, unless it is a CPU in disguise", async () => {
    const adapter = await navigator.gpu?.requestAdapter();
    const hardware = adapter && !/swiftshader|llvmpipe/.test(adapter.info.architecture);
    const backend = await pickBackend({ name });
    expect(backend.info.name).toMatch(
      hardware && !adapter.info.isFallbackAdapter ? /^webgpu$/ : /^cpu-wasm/,
    );
    backend.dispose();
  });
});

describe("the backend that a page gets", () => {
  const options = { scale: 0.003, flushesSubnormals: true };
  const few = conformanceCases(() => pickBackend({ name }), options).filter((one) =>
    one.name.startsWith("assign: codes and distances"),
  );
  for (const { name: title, run } of few) it(title, run);
});
