import { describe, expect, it } from "vitest";
import { FlatTable } from "./arrow/flatbuffer.js";
import { readLz4Frame } from "./arrow/lz4.js";
import { decompress } from "./columnar/compression.js";
import { Damage } from "./columnar/damage.js";
import { readDeltas } from "./parquet/delta.js";
import { readHybrid, unpack } from "./parquet/hybrid.js";
import { OutOfBytes, readThrift } from "./parquet/thrift.js";

/** An unsigned integer of seven bits a byte. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

describe("bytes that claim more than there is", () => {
  it("as a run, fill what there is room for", () => {
    const out = new Uint8Array(4);
    readHybrid(Uint8Array.of(...varint(2 * 2 ** 40), 3), 2, out);
    expect([...out]).toEqual([3, 3, 3, 3]);
    readHybrid(Uint8Array.of(...varint(2 * 2 ** 40 + 1), 0b11_10_01_00), 2, out);
    expect([...out]).toEqual([0, 1, 2, 3]);
  });

  it("as integers, are refused", () => {
    const out = new Uint8Array(4);
    for (const bytes of [[], [3], [0, 0, 0], [255, 255], Array<number>(12).fill(255)]) {
      expect(() => readHybrid(Uint8Array.from(bytes), 9, out)).toThrow(Damage);
    }
    expect(() => readHybrid(Uint8Array.of(8, 1), 33, out)).toThrow(Damage);
    const header = (block: number, groups: number, total: number): number[] =>
      [block, groups, total].flatMap(varint);
    for (const [block, groups, total] of [
      [128, 0, 1],
      [128, 3, 1],
      [2 ** 40, 4, 1],
      [128, 4, 2 ** 40],
    ] as const) {
      const bytes = Uint8Array.of(...header(block, groups, total), 0);
      expect(() => readDeltas(bytes, 100)).toThrow(Damage);
    }
    expect(() => readDeltas(Uint8Array.of(...header(128, 4, 9), 0), 100)).toThrow(Damage);
  });

  it("as lists and texts of metadata, are refused when they end", () => {
    // A struct whose field 1 is a list of a billion structs, or of as many lists in one another.
    const claim = varint(10 ** 9);
    expect(() => readThrift(Uint8Array.of(0x19, 0xfc, ...claim, 0, 0, 0))).toThrow(OutOfBytes);
    const deep = Array.from({ length: 100 }, () => [0xf9, ...claim]).flat();
    expect(() => readThrift(Uint8Array.of(0x19, ...deep))).toThrow("nested too deeply");
    expect(() => readThrift(Uint8Array.of(0x18, ...claim, 1))).toThrow(OutOfBytes);
    expect(() => readThrift(Uint8Array.of(0x16, ...Array<number>(20).fill(255)))).toThrow(Damage);
  });

  it("as a table of metadata, are refused", () => {
    for (const bytes of [[], [255, 255, 255, 255], [4, 0, 0, 0, 255, 255, 255, 127]]) {
      expect(() => FlatTable.root(Uint8Array.from(bytes))).toThrow(Damage);
    }
    // A root whose field 0 is a vector of 2³¹ tables.
    const bytes = Uint8Array.of(12, 0, 0, 0, 0, 0, 6, 0, 8, 0, 4, 0, 6, 0, 0, 0, 4, 0, 0, 0);
    const vector = Uint8Array.of(...bytes, 255, 255, 255, 127);
    const table = FlatTable.root(vector);
    expect(() => table.tables(0)).toThrow(Damage);
    expect(() => table.text(0)).toThrow(Damage);
    expect(table.tables(7)).toEqual([]);
  });

  it("as compressed, are refused before anything is allocated", async () => {
    const bytes = new Uint8Array(10);
    for (const codec of ["SNAPPY", "GZIP", "LZ4", "LZ4_RAW", "ZSTD"] as const) {
      await expect(decompress(codec, bytes, 2 ** 31 - 1)).rejects.toThrow("claim to hold");
      await expect(decompress(codec, bytes, -1)).rejects.toThrow(Damage);
      await expect(decompress(codec, bytes, 64)).rejects.toThrow("cannot be read");
    }
    expect(() => readLz4Frame(bytes, 100)).toThrow(Damage);
  });
});

describe("integers of a few bits", () => {
  it.each([1, 3, 8, 13, 31, 32])("are read at any width: %i", (width) => {
    const values = Uint32Array.from({ length: 9 }, (_, i) => (0x9e3779b1 * (i + 1)) % 2 ** width);
    const bytes = new Uint8Array(Math.ceil((9 * width) / 8));
    for (let bit = 0; bit < 9 * width; bit++) {
      const value = values[Math.floor(bit / width)]!;
      if ((value >>> (bit % width)) & 1) bytes[bit >> 3]! |= 1 << (bit & 7);
    }
    const out = new Uint32Array(9);
    unpack(bytes, 0, width, out, 0, 9);
    expect(out).toEqual(values);
  });
});
