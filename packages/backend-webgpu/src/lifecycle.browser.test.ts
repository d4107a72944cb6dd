import { BackendError } from "@tessera/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { checkLoss } from "../test/loss.js";
import { tryToStart } from "../test/start.js";
import { createWebGpuBackend } from "./index.js";

const { backend, obstacle } = await tryToStart();
backend?.dispose();

describe("a page", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("without WebGPU is told what has it", async () => {
    vi.spyOn(navigator, "gpu", "get").mockReturnValue(undefined as unknown as GPU);
    const starting = createWebGpuBackend();
    await expect(starting).rejects.toThrow(BackendError);
    await expect(starting).rejects.toHaveProperty("hint", expect.stringMatching(/https.*cpu/));
  });

  it("without a GPU is told what to turn on", async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU;
    vi.spyOn(navigator, "gpu", "get").mockReturnValue(none);
    const starting = createWebGpuBackend();
    await expect(starting).rejects.toThrow("WebGPU finds no GPU");
    await expect(starting).rejects.toHaveProperty("hint", expect.stringMatching(/hardware/));
  });
});

describe.skipIf(obstacle)(`a GPU${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  it("that is lost fails what was pending and all that follows; a new backend works", checkLoss);
});
