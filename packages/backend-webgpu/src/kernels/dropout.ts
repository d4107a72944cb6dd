import { defineKernel, FLAT_MAIN } from "../kernel.js";
import { PHILOX } from "./philox.js";

/** Items: blocks of four values, from `firstBlock` of all on. Those are kept whose random word is at least `threshold`, times `scale`. */
export const dropoutKernel = defineKernel({
  name: "dropout",
  inputs: { x: "f32" },
  outputs: { out: "f32" },
  params: {
    items: "u32",
    values: "u32",
    firstBlock: "u32",
    threshold: "u32",
    scale: "f32",
    seed: "u32",
    call: "u32",
  },
  body: `
${PHILOX}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let words = philox(vec4u(params.firstBlock + item, params.call, 0u, 3u), params.seed);
  let end = min(params.values, 4u * item + 4u);
  for (var i = 4u * item; i < end; i++) {
    let kept = words[i % 4u] >= params.threshold;
    out[i] = select(0.0, x[params.xStart + i] * params.scale, kept);
  }
}`,
});
