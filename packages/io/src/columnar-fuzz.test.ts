import { TesseraError } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnarFiles, golden, memorySource } from "../test/files.js";
import { openVectorSource } from "./vectors.js";

/** Values that a test takes: a file may claim many rows, and give them, in few bytes. */
const ENOUGH = 2 ** 16;

/** Reads it in every way, and checks that it fails as promised or gives what it says. */
async function readOrFail(bytes: Uint8Array, name: string): Promise<boolean> {
  try {
    const options = { items: true, batchRows: 2 };
    const file = await openVectorSource(memorySource(bytes, name), options);
    let values = 0;
    for await (const { data, rows, cols, items } of file) {
      expect(data.length).toBe(rows * cols);
      expect(items).toHaveLength(rows);
      values += data.length;
      if (values > ENOUGH) break;
    }
    return true;
  } catch (error) {
    if (!(error instanceof TesseraError)) throw error;
    expect(error.message).toMatch(/^[^\n]+$/);
    expect(error.hint).not.toBe("");
    return false;
  }
}

const FILES = columnarFiles().map((name) => [name, golden(`columnar/${name}`)] as const);

describe("damaged files of columns", () => {
  it.each(FILES)("are refused or read, but never crash: %s", async (name, bytes) => {
    // Metadata are the worst that can be damaged: of Parquet at the end, of Arrow at the start.
    const place = fc.oneof(
      fc.nat(bytes.length - 1),
      fc.integer({ min: bytes.length - 400, max: bytes.length - 1 }),
    );
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(place, byte), { minLength: 1, maxLength: 4 }),
        fc.nat(bytes.length),
        async (changes, kept) => {
          const damaged = bytes.slice();
          for (const [at, value] of changes) damaged[at] = value;
          await readOrFail(damaged, name);
          await readOrFail(damaged.subarray(0, kept), name);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("of nothing but noise behind a magic text are refused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("PAR1", "ARROW1\0\0", "\xff\xff\xff\xff"),
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom("", "PAR1", "ARROW1"),
        async (start, bytes, end) => {
          const text = (value: string): number[] => [...value].map((c) => c.charCodeAt(0));
          await readOrFail(Uint8Array.of(...text(start), ...bytes, ...text(end)), "x");
        },
      ),
      { numRuns: 300 },
    );
  });
});
