import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError, FormatError, ShapeError, TesseraError } from "./errors.js";
import {
  HOST_ARRAYS,
  hostTensor,
  toFloat32,
  type HostDType,
  type HostTensor,
} from "./host-tensor.js";
import { decodeSafetensors, encodeSafetensors, readSafetensorsHeader } from "./safetensors.js";

const f32 = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});

/** A file with this header text and this many zero bytes of data. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (shape: unknown, offsets: unknown, dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: offsets,
});

const anyTensor: fc.Arbitrary<HostTensor> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(HOST_ARRAYS) as HostDType[])),
    fc.array(fc.nat(4), { maxLength: 3 }),
  )
  .chain(([dtype, shape]) => {
    const bytes = shape.reduce((a, b) => a * b, HOST_ARRAYS[dtype].BYTES_PER_ELEMENT);
    return fc
      .uint8Array({ minLength: bytes, maxLength: bytes })
      .map((data) => hostTensor(dtype, shape, data));
  });

const rawBytes = ({ data }: HostTensor): number[] => [
  ...new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
];

describe("encodeSafetensors and decodeSafetensors", () => {
  it("give back what was written, whatever the types, shapes and names", () => {
    const name = fc.string({ unit: "grapheme" }).filter((n) => !n.startsWith("__"));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, anyTensor), { selector: ([n]) => n, maxLength: 5 }),
        fc.dictionary(name, fc.string({ unit: "grapheme" })),
        (pairs, metadata) => {
          const bytes = encodeSafetensors(new Map(pairs), metadata);
          const decoded = decodeSafetensors(bytes);
          expect(decoded.tensors.size).toBe(pairs.length);
          for (const [key, tensor] of pairs) {
            const back = decoded.tensors.get(key)!;
            expect([back.dtype, back.shape]).toEqual([tensor.dtype, tensor.shape]);
            expect(rawBytes(back)).toEqual(rawBytes(tensor));
          }
          expect({ ...decoded.metadata }).toEqual({ ...metadata });
          expect(encodeSafetensors(decoded.tensors, decoded.metadata)).toEqual(bytes);
        },
      ),
    );
  });

  it("writes the same bytes in whatever order tensors and metadata come", () => {
    const a = f32([2], 1, 2);
    const b: HostTensor = { dtype: "I64", shape: [], data: BigInt64Array.of(-5n) };
    expect(encodeSafetensors({ a, b, 10: a, 9: a }, { x: "1", y: "2" })).toEqual(
      encodeSafetensors({ 9: a, b, 10: a, a }, { y: "2", x: "1" }),
    );
  });

  it("aligns the data, and puts wide types first", () => {
    const bytes = encodeSafetensors({
      a: { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) },
      z: f32([1], 1),
    });
    const { entries } = readSafetensorsHeader(bytes, bytes.length);
    expect(entries.map(({ name, end, start }) => [name, start % 8, end - start])).toEqual([
      ["z", 0, 4],
      ["a", 4, 3],
    ]);
  });

  it("writes a view of a larger buffer as the view alone, and copies on reading", () => {
    const whole = Float32Array.of(1, 2, 3, 4);
    const bytes = encodeSafetensors({
      a: { dtype: "F32", shape: [2], data: whole.subarray(1, 3) },
    });
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const a = decodeSafetensors(shifted.subarray(1)).tensors.get("a")!;
    shifted.fill(0);
    expect([...toFloat32(a)]).toEqual([2, 3]);
  });

  it.each<[string, HostTensor, new (...args: never[]) => TesseraError]>([
    ["__metadata__", f32([1], 1), ArgumentError],
    ["__proto__", f32([1], 1), ArgumentError],
    ["\ud800", f32([1], 1), ArgumentError],
    ["short", f32([2], 1), ShapeError],
    ["fractional", f32([0.5, 2], 1), ShapeError],
    ["unknown", { ...f32([1], 1), dtype: "F8" } as unknown as HostTensor, ArgumentError],
    ["mismatched", { ...f32([1], 1), dtype: "I32" } as unknown as HostTensor, ArgumentError],
  ])("refuses to write %j", (name, tensor, error) => {
    expect(() => encodeSafetensors(new Map([[name, tensor]]))).toThrow(error);
  });

  it("refuses metadata that are not texts", () => {
    expect(() => encodeSafetensors({}, { n: 1 as unknown as string })).toThrow(ArgumentError);
    expect(() => encodeSafetensors({}, { n: "\udc00" })).toThrow(ArgumentError);
  });
});

describe("a hostile safetensors file", () => {
  const overflowing = [2 ** 30, 2 ** 30, 2 ** 30];
  const a = JSON.stringify(entry([1], [0, 4]));
  it.each<[string, Uint8Array, RegExp]>([
    ["is empty", new Uint8Array(), /at least 8 bytes/],
    [
      "has a header longer than itself",
      Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b),
      /9 bytes, but only 1/,
    ],
    ["has a header over the limit", new Uint8Array(64).fill(255), /allows 100000000/],
    ["is not JSON", file("{"), /not JSON/],
    ["is nested without end", file("[".repeat(200_000)), /not JSON/],
    ["is not UTF-8", file({}).map((byte) => (byte === 0x7d ? 0xff : byte)), /not JSON/],
    ["is a list", file("[]"), /not an object/],
    ["has a tensor that is no object", file({ a: 1 }), /not described by an object/],
    ["has an unknown dtype", file({ a: entry([1], [0, 1], "F8_E4M3") }, 1), /"F8_E4M3"/],
    ["names a method as dtype", file({ a: entry([1], [0, 1], "toString") }, 1), /"toString"/],
    ["has a negative extent", file({ a: entry([-1, -1], [0, 4]) }, 4), /list of integers/],
    ["has a fractional extent", file({ a: entry([0.5], [0, 4]) }, 4), /list of integers/],
    ["has a text as shape", file({ a: entry("1", [0, 4]) }, 4), /list of integers/],
    ["has a shape that overflows", file({ a: entry(overflowing, [0, 4]) }, 4), /but 4 bytes/],
    [
      "has a shape beyond its bytes",
      file({ a: entry([2], [0, 4]) }, 4),
      /\[2\] of F32, but 4 bytes/,
    ],
    ["has bytes that split an element", file({ a: entry([1], [0, 5]) }, 5), /but 5 bytes/],
    ["has negative offsets", file({ a: entry([1], [-4, 0]) }), /data_offsets/],
    ["has fractional offsets", file({ a: entry([1], [0.5, 4.5]) }, 5), /data_offsets/],
    ["has reversed offsets", file({ a: entry([1], [4, 0]) }, 4), /data_offsets/],
    ["has one offset", file({ a: entry([1], [4]) }, 4), /data_offsets/],
    ["ends before its tensors", file({ a: entry([2], [0, 8]) }, 4), /describes \d+ bytes in all/],
    ["goes on after its tensors", file({ a: entry([1], [0, 4]) }, 5), /describes \d+ bytes in all/],
    ["has a gap", file({ a: entry([1], [0, 4]), b: entry([1], [8, 12]) }, 12), /ends at 4/],
    ["has an overlap", file({ a: entry([2], [0, 8]), b: entry([1], [4, 8]) }, 8), /ends at 8/],
    ["has a name twice", file(`{"a":${a},"a":${a}}`, 4), /"a" twice/],
    ["has a name twice, escaped", file(`{"a":${a},"\\u0061" :${a}}`, 4), /"a" twice/],
    ["has a field twice", file(`{"a":{"dtype":"U8",${a.slice(1)}}`, 4), /"dtype" twice/],
    ["has a tensor __proto__", file(`{"__proto__":${a}}`, 4), /__proto__/],
    ["has metadata __proto__", file('{"__metadata__":{"__proto__":"x"}}'), /__proto__/],
    ["has metadata that are a list", file({ __metadata__: [] }), /__metadata__/],
    ["has metadata that are numbers", file({ __metadata__: { n: 1 } }), /"n" is not a text/],
  ])("that %s is a FormatError", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(FormatError);
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  it("cannot fool the scan for names with quotes in a text", () => {
    const metadata = { note: '","a":{ \\" \\', "}": "{" };
    expect({ ...decodeSafetensors(encodeSafetensors({}, metadata)).metadata }).toEqual(metadata);
  });

  it("never fails with anything but a TesseraError, however it is damaged", () => {
    const valid = encodeSafetensors({ a: f32([2, 2], 1, 2, 3, 4), b: f32([1], 5) }, { k: "v" });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.nat(valid.length),
        (changes, kept) => {
          const bytes = valid.slice();
          for (const [at, byte] of changes) bytes[at] = byte;
          for (const damaged of [bytes, bytes.subarray(0, kept)]) {
            try {
              decodeSafetensors(damaged);
            } catch (error) {
              expect(error).toBeInstanceOf(TesseraError);
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("toFloat32", () => {
  it.each<[HostTensor, number[]]>([
    [f32([2], 1.5, -2), [1.5, -2]],
    [{ dtype: "F64", shape: [2], data: Float64Array.of(1 + 2 ** -30, 1e300) }, [1, Infinity]],
    [{ dtype: "F16", shape: [1], data: Uint16Array.of(0x3c00) }, [1]],
    [{ dtype: "BF16", shape: [1], data: Uint16Array.of(0x3f80) }, [1]],
    [{ dtype: "I64", shape: [1], data: BigInt64Array.of(-7n) }, [-7]],
    [{ dtype: "U64", shape: [1], data: BigUint64Array.of(2n ** 63n) }, [2 ** 63]],
    [{ dtype: "I8", shape: [1], data: Int8Array.of(-128) }, [-128]],
    [{ dtype: "BOOL", shape: [2], data: Uint8Array.of(0, 1) }, [0, 1]],
  ])("converts %o", (tensor, values) => {
    expect([...toFloat32(tensor)]).toEqual(values);
  });
});
