import { defineKernel, FLAT_MAIN } from "../kernel.js";

/**
 * Items: words of the bytes `first..first + bytes` of the target, from the first on. Copies bytes, which may start
 * anywhere in a word on either side; a lane writes a whole word, with what the target has beside the bytes.
 */
export const writeBytesKernel = defineKernel({
  name: "writeBytes",
  inputs: { source: "u32" },
  outputs: { copied: "u32" },
  params: { items: "u32", bytes: "u32", start: "u32", first: "u32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let at = params.first / 4u + item;
  var word = copied[at];
  for (var i = 0u; i < 4u; i++) {
    let byte = 4u * at + i;
    if (byte >= params.first && byte < params.first + params.bytes) {
      let place = params.start + byte - params.first;
      let value = (source[place / 4u] >> (8u * (place % 4u))) & 0xffu;
      word = (word & ~(0xffu << (8u * i))) | (value << (8u * i));
    }
  }
  copied[at] = word;
}`,
});
