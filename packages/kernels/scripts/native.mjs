// Builds the native engine: the kernels once for each instruction set, and the addon that picks one when it is loaded.
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { commonFlags, kernels, root, sources, zig } from "./sources.mjs";

const headers = dirname(createRequire(import.meta.url).resolve("node-api-headers/package.json"));
const PARTS = ["addon.c", "engine.c", "thread.c", "memory.c", "cpu.c"].map((name) =>
  join("native", name),
);

export function buildNative({ name, triple, variants }) {
  const work = join(root, "dist", "native", name);
  const platform = join(root, "platforms", name);
  mkdirSync(work, { recursive: true });
  writeFileSync(
    join(work, "sources.inc"),
    sources.map((file) => `#include "../../../src/${basename(file)}"\n`).join(""),
  );
  writeFileSync(
    join(work, "kernels.inc"),
    kernels()
      .map((kernel) => `KERNEL(${kernel.name}, ${kernel.function}, "${kernel.signature}")\n`)
      .join(""),
  );
  const flags = ["-target", triple, ...commonFlags, "-fPIC", `-I${join("dist", "native", name)}`];
  const objects = variants.map((variant) => {
    const object = join(work, `${variant.name}.o`);
    const tile = [
      `-DVARIANT=${variant.name}`,
      `-DLANES=${variant.lanes}`,
      `-DVECTORS=${variant.vectors}`,
      `-DROWS=${variant.rows}`,
    ];
    zig([
      "cc",
      ...flags,
      `-mcpu=${variant.cpu}`,
      ...tile,
      "-Isrc",
      "-c",
      "-o",
      object,
      join("native", "variant.c"),
    ]);
    return object;
  });
  const windows = triple.includes("windows");
  const library = join(work, "node_api.lib");
  if (windows) {
    const definitions = join(headers, "def", "node_api.def");
    zig(["dlltool", "-m", "i386:x86-64", "-d", definitions, "-D", "node.exe", "-l", library]);
  }
  const output = join(platform, "tessera.node");
  zig([
    "cc",
    ...flags,
    `-I${join(headers, "include")}`,
    "-shared",
    "-s",
    // Node provides the functions of its API when it loads the addon.
    ...(triple.includes("macos") ? ["-Wl,-undefined,dynamic_lookup"] : []),
    ...(triple.includes("linux") ? ["-Wl,-z,noexecstack", "-lpthread"] : []),
    "-o",
    output,
    ...PARTS,
    ...objects,
    ...(windows ? [library] : []),
  ]);
  console.log(`${name}: ${statSync(output).size} bytes`);
}
