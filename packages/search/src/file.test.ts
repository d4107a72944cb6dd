import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  type HostTensor,
  TesseraError,
  VersionError,
} from "@tessera/core";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { clusteredRows, fitted, quantizers, reference } from "../test/models.js";
import { createIndex, loadIndex, openIndexSource, type SearchIndex } from "./index.js";
import { openIndex } from "./node.js";

const rows = clusteredRows(240, 6);
const queries = clusteredRows(4, 6, 2);
const folder = await mkdtemp(join(tmpdir(), "tessera-search-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const SPECS = ["pq2x16", "rq2x8", "sq8", "sign", "rabitq", "rabitq(bits=3)", "opq2x16", "fp16"];
const LISTS = ["vq8+pq3x4", "vq8+sq8", "vq8+sign(estimator=rabitq)"];

async function filled(spec: string, lists: boolean): Promise<SearchIndex> {
  const { model, codes } = await fitted(spec, rows);
  const index = createIndex(model, { lists });
  await index.add(codes, { ids: Array.from({ length: 240 }, (_, i) => 1000 - 3 * i) });
  index.remove([1000, 700]);
  return index;
}

const source = (bytes: Uint8Array) => ({
  name: "bytes",
  size: bytes.length,
  read: async (start: number, end: number) => bytes.subarray(start, end),
});

describe("an index file", () => {
  it.each([
    ...SPECS.map((spec) => [spec, false] as const),
    ...LISTS.map((s) => [s, true] as const),
  ])("of %s (lists: %s) finds the same, loaded and where it lies", async (spec, lists) => {
    const index = await filled(spec, lists);
    const bytes = index.save();
    expect(index.save()).toEqual(bytes);
    const loaded = await loadIndex(bytes, quantizers);
    expect(loaded.size).toBe(238);
    expect(loaded.settings).toEqual(index.settings);
    expect(loaded.save()).toEqual(bytes);
    const path = join(folder, "index.safetensors");
    await writeFile(path, bytes);
    const opened = await openIndex(path, quantizers);
    try {
      expect(opened.size).toBe(238);
      for (const options of [
        { k: 9 },
        { k: 9, metric: "ip" as const },
        { k: 9, metric: "cosine" as const },
        { k: 4, rescore: 5 },
        { k: 4, filter: (id: number) => id % 2 === 0 },
        ...(lists
          ? [
              { k: 9, nprobe: 1 },
              { k: 9, nprobe: 8 },
            ]
          : []),
        ...(spec.includes("rabitq") ? [{ k: 4, rescore: "bound" as const }] : []),
      ]) {
        const found = await index.search(queries, { ...options, backend: reference });
        const again = { ...options, backend: reference };
        expect(await loaded.search(queries, again)).toEqual(found);
        expect(await opened.search(queries, again)).toEqual(found);
      }
      expect(await loaded.add(clusteredRows(1, 6), { backend: reference })).toEqual(
        Float64Array.of(1001),
      );
    } finally {
      await opened.close();
    }
  });

  it("of no rows is one", async () => {
    const { model } = await fitted("pq2x16", rows);
    const loaded = await loadIndex(createIndex(model).save(), quantizers);
    expect(loaded.size).toBe(0);
    expect((await loaded.search(queries, { backend: reference })).ids[0]).toBe(-1);
  });

  it("keeps codes as the model packs them, and the model's tensors under their names", async () => {
    const { model, codes } = await fitted("pq2x16", rows);
    const index = createIndex(model);
    await index.add(codes);
    const { tensors } = decodeSafetensors(index.save());
    expect(tensors.get("codes")?.data).toEqual(codes.pack());
    expect(tensors.get("ids")).toBeUndefined();
    expect([...tensors.keys()]).toContain("model.groups.1.codebook");
  });
});

describe("a file that is no index", () => {
  const changed = async (
    spec: string,
    lists: boolean,
    change: (tensors: Map<string, HostTensor>, metadata: Record<string, string>) => void,
  ) => {
    const { tensors, metadata } = decodeSafetensors((await filled(spec, lists)).save());
    const texts = { ...metadata };
    change(tensors, texts);
    return encodeSafetensors(tensors, texts);
  };
  const u32 = (data: number[]): HostTensor => ({
    dtype: "U32",
    shape: [data.length],
    data: Uint32Array.from(data),
  });

  it("is refused with what is wrong with it", async () => {
    const settings = { lists: false, symmetric: false, nextId: 0, deviation: 0 };
    const cases: [string, boolean, Parameters<typeof changed>[2]][] = [
      ["pq2x16", false, (_, texts) => (texts["format"] = "tessera")],
      ["pq2x16", false, (_, texts) => (texts["format_version"] = "zero")],
      ["pq2x16", false, (_, texts) => (texts["index"] = "{")],
      ["pq2x16", false, (_, texts) => (texts["index"] = "null")],
      [
        "pq2x16",
        false,
        (_, texts) => (texts["index"] = JSON.stringify({ ...settings, nextId: -1 })),
      ],
      [
        "pq2x16",
        false,
        (_, texts) => (texts["index"] = JSON.stringify({ ...settings, deviation: "1" })),
      ],
      [
        "pq2x16",
        false,
        (_, texts) => (texts["index"] = JSON.stringify({ ...settings, lists: true })),
      ],
      ["pq2x16", false, (tensors) => tensors.delete("codes")],
      ["pq2x16", false, (tensors) => tensors.delete("model.groups.0.codebook")],
      [
        "pq2x16",
        false,
        (tensors) => tensors.set("ids", { dtype: "I64", shape: [1], data: BigInt64Array.of(1n) }),
      ],
      ["pq2x16", false, (tensors) => tensors.get("ids")!.data.fill(-5n as never)],
      ["pq2x16", false, (tensors) => tensors.get("ids")!.data.fill(997n as never)],
      ["rq2x8", false, (tensors) => tensors.delete("offsets")],
      ["rq2x8", false, (tensors) => tensors.get("offsets")!.data.fill(Number.NaN as never)],
      ["rabitq", false, (tensors) => tensors.delete("scales")],
      ["vq8+pq3x4", true, (tensors) => tensors.delete("list_counts")],
      ["vq8+pq3x4", true, (tensors) => tensors.set("list_counts", u32([238, 0, 0, 0, 0, 0, 0, 1]))],
    ];
    for (const [spec, lists, change] of cases) {
      const bytes = await changed(spec, lists, change);
      await expect(loadIndex(bytes, quantizers), String(change)).rejects.toThrow(FormatError);
    }
    const newer = await changed("pq2x16", false, (_, texts) => (texts["format_version"] = "2"));
    await expect(loadIndex(newer, quantizers)).rejects.toThrow(VersionError);
  });

  it("is refused when its rows turn out not to be what it says", async () => {
    const lying = await changed("vq8+pq3x4", true, (tensors) =>
      tensors.set("list_counts", u32([238, 0, 0, 0, 0, 0, 0, 0])),
    );
    const opened = await openIndexSource(source(lying), quantizers);
    await expect(opened.search(queries, { nprobe: 8, backend: reference })).rejects.toThrow(
      FormatError,
    );
    const out = await changed("pq3x5", false, (tensors) =>
      tensors.get("codes")!.data.fill(255 as never),
    );
    await expect(loadIndex(out, quantizers)).rejects.toThrow(FormatError);
    const later = await openIndexSource(source(out), quantizers);
    await expect(later.search(queries, { backend: reference })).rejects.toThrow(FormatError);
  });

  it("never does worse than a typed error, whatever bytes are changed", async () => {
    const bytes = (await filled("vq8+pq3x4", true)).save();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length),
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 3 }),
        async (length, changes) => {
          const broken = bytes.slice(0, changes.length === 0 ? length : undefined);
          for (const [at, value] of changes) broken[at] = value;
          try {
            const opened = await openIndexSource(source(broken), quantizers);
            await opened.search(queries, { nprobe: 8, backend: reference });
            await loadIndex(broken, quantizers);
          } catch (error) {
            expect(error).toBeInstanceOf(TesseraError);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
