// Compiles the kernels to wasm: SIMD128, relaxed SIMD, and none at all for hosts without either.
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commonFlags, kernels, root, sources, zig } from "./sources.mjs";

const flags = [
  "--target=wasm32-freestanding",
  ...commonFlags,
  "-nostdlib",
  "-mbulk-memory",
  "-mmutable-globals",
  // Kernels use no atomics, but memory can be shared only with code that says it could.
  "-matomics",
  "-Wl,--no-entry",
  "-Wl,--import-memory",
  "-Wl,--shared-memory",
  // The host lays out the stacks; this one is never used.
  "-Wl,-z,stack-size=1024",
  "-Wl,--max-memory=4294901760",
  // Each thread sets a stack of its own.
  "-Wl,--export=__stack_pointer",
  "-Wl,--strip-all",
];

export function buildWasm() {
  const dist = join(root, "dist");
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, "kernels.json"), JSON.stringify(kernels()));
  for (const [name, extra] of [
    ["baseline", ["-msimd128"]],
    ["relaxed", ["-msimd128", "-mrelaxed-simd"]],
    // A tile that fits plain registers, and code that is small to download: few hosts run it.
    ["scalar", ["-DROWS=2", "-DVECTORS=1", "-Oz"]],
  ]) {
    const output = join(dist, `${name}.wasm`);
    zig(["cc", ...flags, ...extra, "-o", output, ...sources]);
    writeFileSync(join(dist, `${name}.unshared.wasm`), unshared(readFileSync(output)));
    console.log(`${name}.wasm: ${statSync(output).size} bytes`);
  }
}

/**
 * The same module for memory that is not shared: one bit of its memory import differs.
 *
 * Also holds the module to what threads rely on: no data segments, which every instance would write anew.
 */
function unshared(module) {
  const bytes = Buffer.from(module);
  let flag;
  for (let at = 8; at < bytes.length;) {
    const section = bytes[at++];
    const [size, start] = leb(bytes, at);
    if (section === 11) throw new Error("the kernels have a data segment; keep constants in code");
    if (section === 2) {
      let next = leb(bytes, start)[1];
      for (let name = 0; name < 2; name++) {
        const [length, text] = leb(bytes, next);
        next = text + length;
      }
      if (bytes[next] !== 2) throw new Error("the first import is not the memory");
      flag = next + 1;
    }
    at = start + size;
  }
  if (flag === undefined || bytes[flag] !== 3) throw new Error("no shared memory is imported");
  bytes[flag] = 1;
  return bytes;
}

/** An unsigned LEB128 number and where it ends. */
function leb(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value >>> 0, at];
  }
}
