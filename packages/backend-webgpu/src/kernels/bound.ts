import { defineKernel, FLAT_MAIN } from "../kernel.js";
import { EXPONENTIAL } from "./exponential.js";

/** Items: values. gradient · slope · (1 − tanh²(z + shift)), of the bound of finite scalar quantization (Mentzer et al., 2023). */
export const boundGradientKernel = defineKernel({
  name: "boundGradient",
  inputs: { z: "f32", gradient: "f32", shift: "f32", slope: "f32" },
  outputs: { out: "f32" },
  params: { items: "u32", columns: "u32" },
  body: `
${EXPONENTIAL}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let column = item % params.columns;
  let y = z[params.zStart + item] + shift[params.shiftStart + column];
  // 1 − tanh² y = 4e / (1 + e)² with e = e^(−2|y|), which does not cancel where tanh is near 1.
  let e = exponential(-2.0 * abs(y));
  let steep = 4.0 * e / ((1.0 + e) * (1.0 + e)) * slope[params.slopeStart + column];
  out[item] = gradient[params.gradientStart + item] * steep;
}`,
});
