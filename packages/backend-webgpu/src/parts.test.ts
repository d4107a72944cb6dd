import { gaussianMatrix } from "@tessera/backend-testkit";
import {
  BackendError,
  CodeRangeError,
  completeBackend,
  NonFiniteError,
  type Tensor,
} from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../test/adapter.js";
import { COLUMNS, Inputs, MOST, PARTS_CASES, type PartsCase, ROWS } from "../test/parts-cases.js";
import { createWebGpuBackend } from "./index.js";
import type { WebGpuBackend } from "./backend.js";

const obstacle = await findAdapter();
const whole = obstacle === undefined ? await createWebGpuBackend() : undefined;
afterAll(() => whole?.dispose());

const start = async (maxBindingBytes?: number) =>
  (await createWebGpuBackend({ device: whole?.gpu, maxBindingBytes })) as WebGpuBackend;
const TIMEOUT_MS = 300_000;

/** Methods that launch no kernel: they copy, as the queue does, or only look at tensors. */
const COPY = ["tensor", "zeros", "slice", "reshape", "scope", "memory", "sync", "dispose"];
const SHARE = ["lend", "adopt", "forget"];
/** What the classes of the backend have for one another. */
const MAKE = ["upload", "allocate", "share", "clear", "counted", "made", "output", "view"];
const OWN = [...MAKE, "own", "ownNormalized", "activated", "checkAlive", "stop"];

/** The values of what a kernel makes, by name. */
async function valuesOf({ make }: PartsCase, most?: number) {
  const backend = await start(most);
  const read = async ([name, tensor]: [string, Tensor]) => [name, await tensor.read()];
  const values = await Promise.all(Object.entries(make(new Inputs(backend))).map(read));
  backend.dispose();
  return Object.fromEntries(values) as object;
}

function methodsOf(backend: object): string[] {
  const methods = new Set<string>();
  let prototype = Object.getPrototypeOf(backend) as object;
  while (prototype !== Object.prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof value === "function" && name !== "constructor") methods.add(name);
    }
    prototype = Object.getPrototypeOf(prototype) as object;
  }
  return [...methods].sort();
}

describe.skipIf(obstacle)(`rows${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  it.each(PARTS_CASES)(
    "that a kernel cannot be given at once are launched in parts, to the same bits: $kernel",
    async (parts) => {
      const { most = MOST } = parts;
      expect(most).toBeLessThan(whole!.gpu.limits.maxStorageBufferBindingSize);
      expect(await valuesOf(parts, most)).toEqual(await valuesOf(parts));
    },
    TIMEOUT_MS,
  );

  it("are launched in parts by every kernel that there is", async () => {
    const backend = await start();
    const tried = PARTS_CASES.map(({ kernel }) => kernel as string);
    const all = new Set([...tried, ...COPY, ...SHARE, ...OWN]);
    expect(methodsOf(backend)).toEqual([...all].sort());
    backend.dispose();
  });

  it(
    "at fault are named by their place among all",
    async () => {
      const backend = completeBackend(await start(MOST));
      const values = gaussianMatrix(ROWS, COLUMNS, { seed: 8 }).data;
      for (const row of [613, 588]) values[row * COLUMNS + 2] = NaN;
      const x = backend.tensor(values, [ROWS, COLUMNS]);
      const books = backend.zeros([1, 3, COLUMNS], "float32");
      const { codes } = backend.assign(x, books);
      await expect(codes.read()).rejects.toMatchObject({ row: 588 });
      await expect(backend.packSigns(x).read()).rejects.toThrow(NonFiniteError);
      const many = backend.tensor(new Int32Array(ROWS).fill(1, 0, 600).fill(9, 600), [ROWS, 1]);
      await expect(backend.gather(books, many).read()).rejects.toThrow(CodeRangeError);
      await expect(backend.gather(books, many).read()).rejects.toMatchObject({ row: 600 });
      const { counts } = backend.clusterSums(backend.zeros([ROWS, COLUMNS], "float32"), many, 3);
      await expect(counts.read()).rejects.toMatchObject({ row: 600, found: 9 });
      backend.dispose();
    },
    TIMEOUT_MS,
  );

  it(
    "at fault are named so by kernels that go on from part to part, too",
    async () => {
      const backend = await start(MOST);
      const values = gaussianMatrix(ROWS, COLUMNS, { seed: 8 }).data;
      for (const row of [613, 588]) values[row * COLUMNS + 2] = NaN;
      const x = backend.tensor(values, [ROWS, COLUMNS]);
      const books = backend.zeros([1, 3, COLUMNS], "float32");
      const options = { epsilon: 1, iterations: 1 };
      const balanced = backend.balancedAssign(x, books, options);
      await expect(balanced.read()).rejects.toMatchObject({ row: 588 });
      const { counts } = backend.quantizeLevels(x, books, [3]);
      await expect(counts.read()).rejects.toMatchObject({ row: 588 });
      const queries = 5;
      const starts = new Int32Array(2 * queries).fill(1, 7);
      const probes = {
        starts: backend.tensor(starts, [queries, 2]),
        ends: backend.tensor(new Int32Array(2 * queries), [queries, 2]),
        biases: backend.zeros([queries, 2], "float32"),
      };
      const tables = backend.zeros([queries, 3, 256], "float32");
      const blocks = backend.zeros([1, 3, 32], "uint8");
      const { indices } = backend.scanTables(tables, blocks, 2, { rows: 9, probes });
      await expect(indices.read()).rejects.toThrow("probe 1 of query 3, from row 1 on");
      backend.dispose();
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(obstacle)("what each row needs all of", () => {
  it("is refused with the limit where it is too large, and nothing else comes of it", async () => {
    const backend = await start(MOST);
    const inputs = new Inputs(backend);
    const x = inputs.floats(1, 2, COLUMNS);
    const books = inputs.floats(2, 1, ROWS, COLUMNS);
    const codes = backend.zeros([2, 1], "int32");
    const wide = inputs.floats(3, 2, 4000);
    const options = { epsilon: 1, iterations: 1 };
    const calls: Readonly<Record<string, () => unknown>> = {
      assign: () => backend.assign(x, books),
      assignTopK: () => backend.assignTopK(x, books, 2),
      beamSearch: () => backend.beamSearch(x, [books], 2),
      gather: () => backend.gather(books, codes),
      residual: () => backend.residual(x, books, codes),
      clusterSums: () => backend.clusterSums(x, codes, ROWS),
      balancedAssign: () => backend.balancedAssign(x, books, options),
      quantizeLevels: () => backend.quantizeLevels(x, books, [ROWS]),
      "a row": () => backend.softmax(wide),
      "the codes of a row": () => backend.packSigns(inputs.floats(4, 1, 4000)),
    };
    for (const [name, call] of Object.entries(calls)) {
      expect(call, name).toThrow(BackendError);
      expect(call, name).toThrow(`this device binds ${MOST}`);
    }
    expect((await backend.combine(x, x, 1, 0).read()).length).toBe(x.size);
    backend.dispose();
  });
});
