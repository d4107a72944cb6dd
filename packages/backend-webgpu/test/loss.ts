import { BackendError } from "@tessera/core";
import { expect } from "vitest";
import { createWebGpuBackend } from "../src/index.js";

/** A GPU that is lost fails what was pending and all that follows; a new backend works. */
export async function checkLoss(): Promise<void> {
  const backend = await createWebGpuBackend();
  const x = backend.tensor(Float32Array.of(1, 2));
  const pending = backend.combine(x, x, 1, 1).read();
  const outcome = expect(pending).rejects.toThrow(BackendError);
  backend.gpu.destroy();
  await outcome;
  await backend.gpu.lost;
  expect(() => backend.combine(x, x, 1, 1)).toThrow("the GPU device was lost");
  await expect(x.read()).rejects.toThrow(BackendError);
  await expect(backend.sync()).rejects.toThrow(BackendError);
  backend.dispose();

  const next = await createWebGpuBackend();
  expect([...(await next.tensor(Float32Array.of(3)).read())]).toEqual([3]);
  next.dispose();
}
