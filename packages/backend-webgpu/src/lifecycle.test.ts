import { BackendError, DisposedError, expectNoLeaks, NonFiniteError } from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../test/adapter.js";
import { checkLoss } from "../test/loss.js";
import { loadDawn } from "./find-gpu.js";
import { createWebGpuBackend } from "./index.js";

const obstacle = await findAdapter();
const shared = obstacle === undefined ? await createWebGpuBackend() : undefined;
afterAll(() => shared?.dispose());
const onShared = () => createWebGpuBackend({ device: shared?.gpu });

describe("without WebGPU", () => {
  it("says what to install", async () => {
    const missing = loadDawn("a-package-that-nobody-installed");
    await expect(missing).rejects.toThrow(BackendError);
    await expect(missing).rejects.toHaveProperty(
      "hint",
      expect.stringContaining("npm install webgpu"),
    );
  });
});

describe.skipIf(obstacle)(`a GPU${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  it("is told of in info", async () => {
    const backend = await onShared();
    const { info } = backend;
    expect(info.name).toBe("webgpu");
    expect(info.device).not.toBe("");
    expect(info.maxTensorBytes).toBeGreaterThanOrEqual(2 ** 27);
    expect(info.limits.maxBufferSize).toBeGreaterThanOrEqual(info.maxTensorBytes);
    if (info.adapter.software) expect(info.reason).toContain("on the CPU");
    backend.dispose();
  });

  it("that is lost fails what was pending and all that follows; a new backend works", checkLoss);

  it("outlives a backend that was lent it", async () => {
    const first = await onShared();
    const second = await onShared();
    const x = second.tensor(Float32Array.of(1, 2));
    const pending = first.tensor(Float32Array.of(1)).read();
    const outcome = expect(pending).rejects.toThrow(DisposedError);
    first.dispose();
    await outcome;
    expect([...(await second.combine(x, x, 1, 1).read())]).toEqual([2, 4]);
    second.dispose();
  });

  it("gives no tensor larger than it can bind", async () => {
    const backend = await onShared();
    const { maxTensorBytes } = backend.info;
    await expectNoLeaks(backend, () => {
      expect(() => backend.zeros([maxTensorBytes + 1], "uint8")).toThrow(BackendError);
      const x = backend.zeros([2 ** 17, 1], "float32");
      // 64 GiB of products.
      expect(() => backend.matmul(x, x, { transposeB: true })).toThrow("larger than");
      x.dispose();
    });
    backend.dispose();
  });

  it("takes more workgroups than fit along one axis", async () => {
    const backend = await onShared();
    const size = 65_535 * 256 + 300;
    const x = backend.tensor(new Uint8Array(size).fill(7), [1, size]);
    const ones = backend.tensor(Float32Array.of(1));
    const values = backend.scalarDecode(backend.reshape(x, [size, 1]), ones, ones);
    const tail = backend.slice(values, size - 3, size);
    expect([...(await tail.read())]).toEqual([8, 8, 8]);
    backend.dispose();
  });

  it("remembers the faults of more tensors than it has cells for at first", async () => {
    const backend = await onShared();
    const bad = backend.tensor(Float32Array.of(1, NaN), [2, 1]);
    const good = backend.tensor(Float32Array.of(1, 2), [2, 1]);
    const first = backend.packSigns(bad);
    const codes = Array.from({ length: 1500 }, () => backend.packSigns(good));
    const last = backend.packSigns(bad);
    await expect(first.read()).rejects.toThrow(NonFiniteError);
    expect([...(await codes[1200]!.read())]).toEqual([1, 1]);
    await expect(last.read()).rejects.toHaveProperty("row", 1);
    backend.dispose();
  });

  it("tells of a fault among more inputs than are looked at together", async () => {
    const backend = await onShared();
    const x = backend.tensor(Float32Array.of(1, NaN), [2, 1]);
    const table = backend.tensor(Float32Array.of(0, 1, 2), [1, 3, 1]);
    // Computed and not read yet, each codebook may be at fault for all that is known.
    const book = (...codes: number[]) => {
      const indices = backend.tensor(Int32Array.from(codes), [codes.length, 1]);
      return backend.reshape(backend.gather(table, indices), [1, codes.length, 1]);
    };
    const books = Array.from({ length: 9 }, () => book(0, 2));
    const own = backend.beamSearch(x, books, 2);
    await expect(own.codes.read()).rejects.toThrow(NonFiniteError);
    const later = backend.beamSearch(x, [...books.slice(0, 7), book(0, 3), book(4)], 2);
    await expect(later.codes.read()).rejects.toThrow("code 3 at row 1");
    const good = backend.beamSearch(backend.slice(x, 0, 1), books, 2);
    expect((await good.codes.read()).length).toBe(9);
    backend.dispose();
  });

  it("uses buffers again, and frees them with the backend", async () => {
    const backend = await onShared();
    const x = backend.tensor(Float32Array.of(1));
    const { buffer, release } = backend.lend(x);
    release();
    x.dispose();
    const next = backend.tensor(Float32Array.of(2));
    expect(backend.lend(next).buffer).toBe(buffer);
    expect([...(await next.read())]).toEqual([2]);
    backend.dispose();
  });

  it("is given up by a signal", async () => {
    const signal = AbortSignal.abort();
    await expect(createWebGpuBackend({ signal })).rejects.toHaveProperty("name", "AbortError");
  });
});
