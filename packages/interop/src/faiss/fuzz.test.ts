import { FormatError } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GOLDEN, readExpected, readIndexFile } from "../../test/fixtures.js";
import { readFaiss, UnsupportedError } from "../index.js";

const files = Object.keys(readExpected(GOLDEN).cases).map((name) => [
  name,
  new Uint8Array(readIndexFile(GOLDEN, name)),
]) as [string, Uint8Array][];

/** Reads bytes that may be anything: a result, or one of two errors. */
function refusesOrReads(bytes: Uint8Array): boolean {
  try {
    const { count, codes, rows } = readFaiss(bytes);
    expect((codes ?? rows)!.rows).toBe(count);
    return true;
  } catch (error) {
    if (error instanceof FormatError || error instanceof UnsupportedError) return false;
    throw error;
  }
}

describe("a hostile faiss index", () => {
  it.each(files)("%s, cut short anywhere, is refused", (_, bytes) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readFaiss(bytes.subarray(0, length))).toThrow(FormatError);
    }
  });

  it.each(files)("%s with bytes after it is refused", (_, bytes) => {
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(() => readFaiss(longer)).toThrow(/1 bytes follow its end/);
  });

  it("with bytes changed is read or refused, and quickly", () => {
    const change = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        ([, bytes], changes) => {
          const changed = bytes.slice();
          for (const { at, value } of changes) changed[at % changed.length] = value;
          refusesOrReads(changed);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("with any word changed to a large or odd one is read or refused", () => {
    const words = [0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff];
    for (const [, bytes] of files) {
      const view = new DataView(bytes.buffer.slice(0));
      for (let at = 0; at + 4 <= bytes.length; at++) {
        const word = words[at % words.length]!;
        const before = view.getUint32(at, true);
        view.setUint32(at, word, true);
        refusesOrReads(new Uint8Array(view.buffer));
        view.setUint32(at, before, true);
      }
    }
  });

  it("of random bytes is refused", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !refusesOrReads(bytes)));
  });

  it("that is nested without end is refused", () => {
    const header = files.find(([name]) => name === "idmap")![1].subarray(0, 37);
    const bytes = new Uint8Array(37 * 5000);
    for (let at = 0; at < bytes.length; at += 37) bytes.set(header, at);
    expect(() => readFaiss(bytes)).toThrow(/nested too deeply/);
  });

  it("that needs an allocation beyond the file is refused before it", () => {
    const [, bytes] = files.find(([name]) => name === "flat-l2")!;
    const lies = bytes.slice();
    const view = new DataView(lies.buffer);
    view.setUint32(8, 2 ** 29, true); // rows
    view.setUint32(37, 2 ** 31, true); // values
    view.setUint32(41, 1, true);
    expect(() => readFaiss(lies)).toThrow(/the rows takes 25769803776 bytes at byte 45/);
  });
});

describe("what a faiss index may be and Tessera cannot", () => {
  const named = (name: string) => files.find((file) => file[0] === name)![1].slice();

  it("another class", () => {
    const bytes = named("pq");
    bytes.set(Buffer.from("IHNf"));
    expect(() => readFaiss(bytes)).toThrow(UnsupportedError);
    expect(() => readFaiss(bytes)).toThrow('of class "IHNf"');
  });

  it("something else than an index", () => {
    expect(() => readFaiss(Buffer.from("\u0093NUMPY"))).toThrow("this is not a faiss index");
  });

  it("another metric, or not trained", () => {
    const metric = named("pq");
    metric[33] = 4;
    expect(() => readFaiss(metric)).toThrow(/metric 4/);
    const untrained = named("pq");
    untrained[32] = 0;
    expect(() => readFaiss(untrained)).toThrow(/not trained/);
  });

  it("another type of scalars", () => {
    const bytes = named("sq8");
    bytes[37] = 9;
    expect(() => readFaiss(bytes)).toThrow(/type 9; Tessera has QT_8bit, QT_4bit/);
  });

  it("a matrix that is no rotation, nor one with scaled rows", () => {
    const bytes = named("opq");
    const view = new DataView(bytes.buffer);
    view.setFloat32(37 + 4 + 4 + 1 + 8, 7, true);
    expect(() => readFaiss(bytes)).toThrow(UnsupportedError);
    expect(() => readFaiss(bytes)).toThrow(/LinearTransform of 8 values into 8: .*orthogonal rows/);
  });

  it("a value that is not finite", () => {
    const bytes = named("flat-l2");
    new DataView(bytes.buffer).setFloat32(45 + 12, Number.NaN, true);
    expect(() => readFaiss(bytes)).toThrow("value 3 of the rows is not finite");
  });
});
