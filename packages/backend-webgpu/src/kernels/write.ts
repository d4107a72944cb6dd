import { defineKernel, FLAT_MAIN } from "../kernel.js";

/**
 * Items: words of the target that hold some of the bytes, from the first on. Copies bytes, which may start anywhere in a
 * word on either side; a lane writes a whole word, with what the target has beside the bytes.
 */
export const writeBytesKernel = defineKernel({
  name: "writeBytes",
  inputs: { source: "u32" },
  updates: { copied: "u32" },
  outputs: {},
  params: { items: "u32", bytes: "u32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let at = params.copiedStart / 4u + item;
  var word = copied[at];
  for (var i = 0u; i < 4u; i++) {
    let byte = 4u * at + i;
    if (byte >= params.copiedStart && byte < params.copiedStart + params.bytes) {
      let place = params.sourceStart + byte - params.copiedStart;
      let value = (source[place / 4u] >> (8u * (place % 4u))) & 0xffu;
      word = (word & ~(0xffu << (8u * i))) | (value << (8u * i));
    }
  }
  copied[at] = word;
}`,
});
