import { defineKernel, FINITE, FLAT_MAIN } from "../kernel.js";

// Bytes lie four to a word, the first in the lowest bits. A lane writes whole words.

/** One word of codes; `codeOf(row, column)` is the kernel's own. Codes of a row take `width` bytes. */
const WORD = `
fn word(item: u32) -> u32 {
  var result = 0u;
  for (var b = 0u; b < 4u; b++) {
    let byte = item * 4u + b;
    if (byte >= params.bytes) { break; }
    let row = byte / params.width;
    let first = (byte % params.width) * 8u / params.bits;
    for (var i = 0u; i < 8u / params.bits && first + i < params.dimension; i++) {
      result |= codeOf(row, first + i) << (b * 8u + i * params.bits);
    }
  }
  return result;
}`.trim();

/** Items: words of codes. Fault 0: the row of a value that is not finite. */
export const scalarEncodeKernel = defineKernel({
  name: "scalarEncode",
  inputs: { x: "f32", lower: "f32", step: "f32" },
  outputs: { codes: "u32" },
  params: {
    items: "u32",
    bytes: "u32",
    width: "u32",
    dimension: "u32",
    bits: "u32",
    top: "f32",
  },
  faulty: true,
  body: `
${FINITE}

fn codeOf(row: u32, column: u32) -> u32 {
  let value = x[params.xStart + row * params.dimension + column];
  if (!finite(value)) { fault(0u, row); }
  let by = step[params.stepStart + column];
  // Zero and subnormal steps have an exponent of 0.
  if ((bitcast<u32>(by) & 0x7f800000u) == 0u) { return 0u; }
  let position = (value - lower[params.lowerStart + column]) / by;
  return u32(clamp(floor(position + 0.5), 0.0, params.top));
}

${WORD}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  codes[item] = word(item);
}`,
});

/** Items: values, [n, dimension]. The codes start at a byte. */
export const scalarDecodeKernel = defineKernel({
  name: "scalarDecode",
  inputs: { codes: "u32", lower: "f32", step: "f32" },
  outputs: { values: "f32" },
  params: { items: "u32", width: "u32", dimension: "u32", bits: "u32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let column = item % params.dimension;
  let bit = column * params.bits;
  let byte = params.codesStart + item / params.dimension * params.width + bit / 8u;
  let code = (codes[byte / 4u] >> (byte % 4u * 8u + bit % 8u)) & ((1u << params.bits) - 1u);
  values[item] = fma(f32(code), step[params.stepStart + column], lower[params.lowerStart + column]);
}`,
});

/**
 * Items: words of codes. The code of a value is the number of its column's thresholds below it; with `count` 0 there is
 * one threshold, 0. Fault 0: the row of a value that is not finite.
 */
export const thresholdEncodeKernel = defineKernel({
  name: "thresholdEncode",
  inputs: { x: "f32", thresholds: "f32" },
  outputs: { codes: "u32" },
  params: {
    items: "u32",
    bytes: "u32",
    width: "u32",
    dimension: "u32",
    bits: "u32",
    count: "u32",
  },
  faulty: true,
  body: `
${FINITE}

// A whole number that orders floats as their values do, also those that a GPU may take for 0.
fn key(value: f32) -> i32 {
  let magnitude = i32(bitcast<u32>(value) & 0x7fffffffu);
  return select(magnitude, -magnitude, (bitcast<u32>(value) >> 31u) != 0u);
}

fn codeOf(row: u32, column: u32) -> u32 {
  let value = x[params.xStart + row * params.dimension + column];
  if (!finite(value)) { fault(0u, row); }
  let own = key(value);
  if (params.count == 0u) { return u32(own > 0); }
  var code = 0u;
  for (var i = 0u; i < params.count; i++) {
    code += u32(own > key(thresholds[params.thresholdsStart + i * params.dimension + column]));
  }
  return code;
}

${WORD}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  codes[item] = word(item);
}`,
});
