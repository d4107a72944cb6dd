import {
  AbortedError,
  ArgumentError,
  DisposedError,
  FormatError,
  NonFiniteError,
  checkReplayable,
  encodeSafetensors,
  type Progress,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { golden, memorySource, npyFile, utf8 } from "../test/files.js";
import type { VectorFormat } from "./format.js";
import { encodeNpy } from "./npy.js";
import { blobSource, bytesSource } from "./source.js";
import { encodeFvecs } from "./vecs.js";
import { decodeVectors, openVectorSource, type VectorFile, type VectorOptions } from "./vectors.js";

const VALUES = Float32Array.from({ length: 30 }, (_, i) => i - 7.5);
const COLS = 3;
const lines = Array.from({ length: 10 }, (_, i) => [...VALUES.subarray(3 * i, 3 * i + 3)]);
const FILES: readonly [VectorFormat, Uint8Array][] = [
  ["npy", encodeNpy(VALUES, [10, COLS])],
  ["fvecs", encodeFvecs(VALUES, COLS)],
  ["safetensors", encodeSafetensors({ v: { dtype: "F32", shape: [10, COLS], data: VALUES } })],
  ["jsonl", utf8(lines.map((line) => JSON.stringify(line)).join("\n"))],
  ["csv", utf8(lines.map((line) => line.join(",")).join("\n"))],
  ["tsv", utf8(lines.map((line) => line.join("\t")).join("\n"))],
];

const open = (bytes: Uint8Array, name: string, options?: VectorOptions): Promise<VectorFile> =>
  openVectorSource(memorySource(bytes, name), options);

async function sizes(file: VectorFile): Promise<number[]> {
  const rows: number[] = [];
  for await (const batch of file) rows.push(batch.rows);
  return rows;
}

describe.each(FILES)("a %s file", (format, bytes) => {
  const name = `x.${format}`;

  it("is read in batches, anew each time, and all at once", async () => {
    const file = await open(bytes, name, { batchRows: 4 });
    const text = format === "jsonl" || format === "csv" || format === "tsv";
    expect(file).toMatchObject({ format, cols: COLS, dtype: text ? "text" : "F32" });
    expect(file.rows).toBe(text ? undefined : 10);
    expect(() => checkReplayable(file)).not.toThrow();
    for (let pass = 0; pass < 2; pass++) {
      const values: number[] = [];
      const rows: number[] = [];
      for await (const batch of file) {
        rows.push(batch.rows);
        values.push(...batch.data);
        expect(batch.data.length).toBe(batch.rows * COLS);
      }
      expect([rows, values]).toEqual([[4, 4, 2], [...VALUES]]);
    }
    expect(await file.readAll()).toEqual({ data: VALUES, rows: 10, cols: COLS });
  });

  it("can be read by two passes at once, and left half way", async () => {
    const file = await open(bytes, name, { batchRows: 1 });
    const [a, b] = [file[Symbol.asyncIterator](), file[Symbol.asyncIterator]()];
    await a.next();
    const [second, first] = await Promise.all([a.next(), b.next()]);
    expect([...second.value!.data]).toEqual(lines[1]);
    expect([...first.value!.data]).toEqual(lines[0]);
    await a.return?.();
    expect(await sizes(file)).toHaveLength(10);
  });

  it("is recognised by its content or by the option, whatever its name", async () => {
    expect((await open(bytes, "x", { format })).format).toBe(format);
    // A text in JSON is told from csv, but a name that promises a binary format is believed.
    const disguises: Partial<Record<VectorFormat, string[]>> = {
      npy: ["x", "x.csv", "x.safetensors", "x.fvecs"],
      safetensors: ["x", "x.csv", "x.npy", "a.fvecs/x"],
      jsonl: ["x", "x.csv", "x.tsv"],
    };
    for (const other of disguises[format] ?? []) {
      expect((await open(bytes, other)).format).toBe(format);
    }
  });

  it("reports progress, and stops when aborted or closed", async () => {
    const seen: Progress[] = [];
    const controller = new AbortController();
    const file = await open(bytes, name, {
      batchRows: 4,
      onProgress: (progress) => seen.push(progress),
      signal: controller.signal,
    });
    await file.readAll();
    expect(seen.map(({ done }) => done)).toEqual([4, 8, 10]);
    expect(seen[0]).toEqual({ task: `read ${name}`, done: 4, total: file.rows });
    const running = file[Symbol.asyncIterator]();
    await running.next();
    controller.abort();
    await expect(running.next()).rejects.toThrow(AbortedError);
    await expect(open(bytes, name, { signal: controller.signal })).rejects.toThrow(AbortedError);

    const other = await open(bytes, name, { batchRows: 4 });
    const pass = other[Symbol.asyncIterator]();
    await pass.next();
    await other.close();
    await expect(pass.next()).rejects.toThrow(DisposedError);
    await expect(other.readAll()).rejects.toThrow(DisposedError);
  });

  it("is read the same from a blob and from bytes in memory", async () => {
    const blob = new File([bytes.slice()], name);
    const file = await openVectorSource(blobSource(blob));
    expect((await file.readAll()).data).toEqual(VALUES);
    expect((await decodeVectors(bytes, name)).data).toEqual(VALUES);
  });
});

describe("the numbers of a file", () => {
  it.each([
    ["nan.npy", 1],
    ["big.npy", 1],
  ])("must be finite in float32: %s", async (file, row) => {
    const reading = decodeVectors(golden(file), file, { batchRows: 1 });
    await expect(reading).rejects.toThrow(NonFiniteError);
    await expect(reading).rejects.toMatchObject({
      row,
      message: expect.stringMatching(file) as string,
    });
    const { data } = await decodeVectors(golden(file), file, { allowNonFinite: true });
    expect(Number.isFinite(data[2]! + data[3]!)).toBe(false);
  });

  it.each(["f2-be", "f8-be", "i8-be", "u2-be", "i1"])("are converted from %s", async (file) => {
    const { data } = await decodeVectors(golden(`${file}.npy`));
    expect([...data].map(Math.abs)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("a file that is not what it seems", () => {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000), }";
  const zip = Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0);
  it.each<[string, Uint8Array, string, RegExp]>([
    ["is empty", new Uint8Array(), "x.npy", /x.npy is empty/],
    ["claims 4 GB", npyFile(header, 4), "x.npy", /takes 40000000\d\d bytes; the file has \d\d/],
    ["is a parquet file", utf8("PAR1...."), "x.csv", /Parquet/],
    ["is an npz archive", zip, "x.npy", /zip archive/],
    ["is binary by the name of text", Uint8Array.of(49, 44, 200, 10), "x.csv", /not text in UTF-8/],
    ["is cut inside a character", Uint8Array.of(49, 0xc3), "x.csv", /not text in UTF-8/],
    ["has no known extension", utf8("1 2 3"), "x.dat", /format of x.dat is not known/],
    ["is text by the name of npy", utf8("1,2,3\n1,2,3"), "x.npy", /does not start as an npy file/],
    ["has one dimension", golden("vector.npy"), "x.npy", /shape \[3\], not \[rows, columns\]/],
    ["has three dimensions", golden("cube.npy"), "x.npy", /shape \[2, 3, 4\]/],
    ["has no columns", encodeNpy(new Float32Array(), [5, 0]), "x.npy", /vectors without values/],
  ])("is refused when it %s", async (_, bytes, name, message) => {
    const opening = decodeVectors(bytes, name);
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toThrow(message);
  });

  it("costs no more than its header to refuse", async () => {
    const source = memorySource(npyFile(header, 1_000_000), "x.npy");
    await expect(openVectorSource(source)).rejects.toThrow(FormatError);
    expect(source.bytesRead).toBeLessThan(300);
  });

  it("is refused when it shrinks while it is read", async () => {
    const source = memorySource(FILES[0]![1], "x.npy");
    const file = await openVectorSource({
      ...source,
      read: async (start, end) => (await source.read(start, end)).subarray(0, 129),
    });
    await expect(file.readAll()).resolves.toMatchObject({ rows: 10 });
    const shrunk = await openVectorSource({
      ...source,
      read: async (start, end) =>
        (await source.read(start, end)).subarray(0, start < 128 ? 128 : 7),
    });
    await expect(shrunk.readAll()).rejects.toThrow(/gave 7 bytes at 128 where 120 were expected/);
  });

  it("is a matrix without rows when it says so", async () => {
    expect(await decodeVectors(golden("empty.npy"))).toEqual({
      data: new Float32Array(),
      rows: 0,
      cols: 5,
    });
  });
});

describe("a file larger than memory", () => {
  /** Zeros without end, under the header of a matrix that they fill. */
  const endless = (rows: number, cols: number) => {
    const header = npyFile(
      `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${cols})}`,
      0,
    );
    return {
      name: "x.npy",
      size: header.length + 4 * rows * cols,
      async read(start: number, end: number) {
        const bytes = new Uint8Array(end - start);
        bytes.set(header.subarray(start, end));
        return bytes;
      },
    };
  };

  it("can be read in batches, but not at once", async () => {
    const file = await openVectorSource(endless(1e12, 2), { batchRows: 3 });
    const first = await file[Symbol.asyncIterator]().next();
    expect(first.value).toEqual({ data: new Float32Array(6), rows: 3, cols: 2 });
    await expect(file.readAll()).rejects.toThrow(ArgumentError);
    await expect(file.readAll()).rejects.toThrow("x.npy does not fit into memory at once");
  });

  it("may be too large even for one batch", async () => {
    const file = await openVectorSource(endless(1e6, 2), { batchRows: 1e6 });
    expect((await file.readAll()).rows).toBe(1e6);
    const wide = await openVectorSource(endless(3, 1e12));
    await expect(wide[Symbol.asyncIterator]().next()).rejects.toThrow(ArgumentError);
  });
});

describe("long texts", () => {
  it("are read across the borders of chunks", async () => {
    const rows = 60_000;
    const text = Array.from({ length: rows }, (_, i) => `"ü${i}",${i},${-i}`).join("\r\n");
    const file = await openVectorSource(bytesSource(utf8(text), "x.csv"), { header: false });
    const { data, ids } = await file.readAll();
    expect(data.length).toBe(2 * rows);
    expect(data.findIndex((v, i) => v !== (i % 2 === 0 ? i / 2 : -(i - 1) / 2))).toBe(-1);
    expect(ids!.findIndex((id, i) => id !== `ü${i}`)).toBe(-1);
  });

  it("are refused when a line has no end", async () => {
    const zeros = new Uint8Array(2 ** 18).fill(0x30);
    const endless = {
      name: "x.csv",
      size: 2 ** 40,
      read: async (start: number, end: number) => zeros.subarray(0, end - start),
    };
    await expect(openVectorSource(endless)).rejects.toThrow(/line 1 is longer than/);
  });
});

describe("options", () => {
  it.each<[VectorOptions]>([
    [{ batchRows: 0 }],
    [{ batchRows: 1.5 }],
    [{ format: "hdf5" as VectorFormat }],
    [{ tensor: 1 as unknown as string }],
  ])("%o are refused", async (options) => {
    await expect(open(FILES[0]![1], "x.npy", options)).rejects.toThrow(ArgumentError);
  });

  it("default to batches of about 4 MiB", async () => {
    const file = await open(encodeNpy(new Uint8Array(3_000_000), [3000, 1000]), "x.npy");
    expect(await sizes(file)).toEqual([1048, 1048, 904]);
  });
});
