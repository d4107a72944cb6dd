import { TesseraError, encodeSafetensors } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { golden, memorySource, utf8 } from "../test/files.js";
import type { VectorFormat } from "./format.js";
import { decodeNpy } from "./npy.js";
import { encodeBvecs, encodeFvecs } from "./vecs.js";
import { openVectorSource } from "./vectors.js";

const matrix = Float32Array.of(1, 2, 3, 4, 5, 6);
const VALID: readonly [string, Uint8Array][] = [
  ["x.npy", golden("f4-le.npy")],
  ["v3.npy", golden("version3.npy")],
  ["half.npy", golden("f2-be.npy")],
  ["x.fvecs", encodeFvecs(matrix, 3)],
  ["x.bvecs", encodeBvecs(Uint8Array.from(matrix), 3)],
  [
    "x.safetensors",
    encodeSafetensors({ v: { dtype: "F32", shape: [2, 3], data: matrix } }, { k: "v" }),
  ],
  ["x.jsonl", utf8('{"id":"a","v":[1,2]}\n{"id":"b","v":[3,4]}\n')],
  ["x.csv", utf8('id,x,y\n"a",1,2\n"b",3,4\n')],
];

const FORMATS: readonly VectorFormat[] = ["npy", "fvecs", "safetensors", "jsonl", "csv"];

/** Reads it in every way, and checks that it fails as promised or gives no more values than it has bytes. */
async function readOrFail(
  bytes: Uint8Array,
  name: string,
  format?: VectorFormat,
): Promise<boolean> {
  try {
    const source = memorySource(bytes, name);
    const file = await openVectorSource(source, { format, items: true, batchRows: 2 });
    const { data, rows, cols } = await file.readAll();
    expect(data.length).toBe(rows * cols);
    expect(data.buffer.byteLength).toBeLessThanOrEqual(Math.max(4 * bytes.length, 64 * cols));
    return true;
  } catch (error) {
    if (!(error instanceof TesseraError)) throw error;
    expect(error.message).toMatch(/^[^\n]+$/);
    return false;
  }
}

describe("damaged files", () => {
  it.each(VALID)("are refused or read, but never crash: %s", async (name, bytes) => {
    expect(await readOrFail(bytes, name)).toBe(true);
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 4 }),
        fc.nat(bytes.length),
        fc.uint8Array({ maxLength: 8 }),
        async (changes, kept, appended) => {
          const damaged = bytes.slice();
          for (const [at, byte] of changes) damaged[at] = byte;
          await readOrFail(damaged, name);
          await readOrFail(damaged.subarray(0, kept), name);
          await readOrFail(Uint8Array.of(...damaged, ...appended), name);
          if (name.endsWith("npy")) {
            try {
              decodeNpy(damaged);
            } catch (error) {
              expect(error).toBeInstanceOf(TesseraError);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("of nothing but noise are refused or read as any format", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom(undefined, ...FORMATS),
        async (bytes, format) => {
          await readOrFail(bytes, "x", format);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("of text in any order are refused or read", async () => {
    const piece = fc.constantFrom(
      "1",
      "-2.5",
      ",",
      "\t",
      '"',
      "\n",
      "\r\n",
      "a",
      "[",
      "]",
      "{",
      "}",
      ":",
      " ",
      "e5",
      "nan",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 30 }),
        fc.constantFrom<VectorFormat>("csv", "tsv", "jsonl"),
        async (pieces, format) => {
          await readOrFail(utf8(pieces.join("")), "x", format);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
