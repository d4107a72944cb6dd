import { describeEngine } from "../test/conformance.js";
import { findAddon } from "./native-addon.js";

const { addon, reason } = findAddon();
const variants = addon?.variants().map(({ name }) => name) ?? [];

for (const variant of ["avx512vnni", "avx512", "avx2vnni", "avx2", "neon"] as const) {
  const obstacle = variants.includes(variant)
    ? undefined
    : (reason ?? `this processor has no ${variant}`);
  const threads = variant === variants[0] ? [1, 2, 3] : [3];
  describeEngine({ engine: `native-${variant}`, obstacle, threads });
}
