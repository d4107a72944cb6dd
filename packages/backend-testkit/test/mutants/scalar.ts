import { packBits, unpackBits } from "../../src/reference/scalar.js";
import { honest, kernels, methods, reading, type Mutant } from "./mutant.js";

/** Defects of the kernels that make and read codes in bytes. */
export const scalarMutants: readonly Mutant[] = [
  kernels("rounds down", "scalarEncode: the nearest level", {
    scalarEncode: (x, lower, step, levels, bits) =>
      honest.scalarEncode(
        x,
        lower.map((value, j) => value + step[j]! / 2),
        step,
        levels,
        bits,
      ),
  }),
  kernels("the first code in the highest bits", "scalarEncode: the nearest level", {
    scalarEncode: (x, lower, step, levels, bits) => {
      const packed = honest.scalarEncode(x, lower, step, levels, bits);
      return bits === 4 ? packed.map((byte) => (byte >> 4) | (byte << 4)) : packed;
    },
  }),
  kernels("ones after a row's last code", "scalarEncode: the nearest level", {
    scalarEncode: (x, lower, step, levels, bits) => {
      const packed = honest.scalarEncode(x, lower, step, levels, bits);
      const width = Math.ceil((lower.length * bits) / 8);
      const used = lower.length * bits - 8 * (width - 1);
      return packed.map((byte, i) => (i % width === width - 1 ? byte | (0xff << used) : byte));
    },
  }),
  kernels("the number of levels is ignored", "scalarEncode: the nearest level", {
    scalarEncode: (x, lower, step, _levels, bits) =>
      honest.scalarEncode(x, lower, step, 2 ** bits, bits),
  }),
  kernels("codes wrap around where they should be clamped", "scalarEncode: values on a level", {
    scalarEncode: (x, lower, step, levels, bits) =>
      packBits(
        Array.from(x, (value, i) => {
          const position = (value - lower[i % lower.length]!) / step[i % lower.length]!;
          return Math.round(position) & (levels - 1);
        }),
        lower.length,
        bits,
      ),
  }),
  kernels("a step of 0 gives the last code", "scalarEncode: a step of 0", {
    scalarEncode: (x, lower, step, levels, bits) => {
      const codes = unpackBits(
        honest.scalarEncode(x, lower, step, levels, bits),
        lower.length,
        bits,
      );
      const last = codes.map((code, i) => {
        const j = i % lower.length;
        return step[j] === 0 && x[i]! > lower[j]! ? levels - 1 : code;
      });
      return packBits(last, lower.length, bits);
    },
  }),
  kernels("the middle of a cell, as for codes that round down", "scalarDecode: lower + code", {
    scalarDecode: (codes, lower, step, bits) =>
      honest.scalarDecode(codes, lower, step, bits).map((value, i) => {
        return value + step[i % step.length]! / 2;
      }),
  }),
  kernels("codes of one bit read in the other order", "scalarDecode: lower + code", {
    scalarDecode: (codes, lower, step, bits) =>
      honest.scalarDecode(bits === 1 ? codes.map(reversed) : codes, lower, step, bits),
  }),
  kernels("one step for all dimensions", "scalarDecode: gives back", {
    scalarDecode: (codes, lower, step, bits) =>
      honest.scalarDecode(
        codes,
        lower,
        step.map(() => step[0]!),
        bits,
      ),
  }),
  kernels("a value at a threshold counts as above it", "thresholdEncode: the number", {
    thresholdEncode: (x, thresholds, count, bits) =>
      honest.thresholdEncode(
        x,
        thresholds.map((value) => value - Math.abs(value) * 2 ** -23),
        count,
        bits,
      ),
  }),
  kernels("the last threshold is left out", "thresholdEncode: the number", {
    thresholdEncode: (x, thresholds, count, bits) =>
      count === 1
        ? honest.thresholdEncode(x, thresholds, count, bits)
        : honest.thresholdEncode(
            x,
            thresholds.slice(0, thresholds.length - thresholds.length / count),
            count - 1,
            bits,
          ),
  }),
  methods("the highest bit first", "packSigns: a bit", (backend) => ({
    packSigns: (x, thresholds) => {
      const packed = backend.packSigns(x, thresholds);
      const read = packed.read.bind(packed);
      return reading(packed, async () => (await read()).map(reversed));
    },
  })),
  kernels("zero counts as above zero", "packSigns: zero", {
    thresholdEncode: (x, thresholds, count, bits) =>
      honest.thresholdEncode(
        x.map((value) => (value === 0 ? 1 : value)),
        thresholds,
        count,
        bits,
      ),
  }),
  kernels("what is not a number counts as low", "faults: kernels that encode scalars", {
    thresholdEncode: (x, thresholds, count, bits) =>
      honest.thresholdEncode(
        x.map((value) => (Number.isFinite(value) ? value : 0)),
        thresholds,
        count,
        bits,
      ),
  }),
  methods("bits and levels are not checked together", "arguments: scalar kernels", (backend) => ({
    scalarEncode: (x, lower, step, { bits = 8, levels = 2 ** bits } = {}) =>
      backend.scalarEncode(x, lower, step, { bits, levels: Math.min(levels, 2 ** bits) }),
  })),
];

function reversed(byte: number): number {
  let result = 0;
  for (let bit = 0; bit < 8; bit++) result |= ((byte >> bit) & 1) << (7 - bit);
  return result;
}
