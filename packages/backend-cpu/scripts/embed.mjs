// Writes src/generated: the wasm kernels and the worker's code as strings, so that no bundler needs to find files.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const generated = join(root, "src", "generated");
const kernels = join(
  dirname(createRequire(import.meta.url).resolve("@tessera/kernels/package.json")),
  "dist",
);

function kernel(name) {
  const shared = readFileSync(join(kernels, `${name}.wasm`));
  const unshared = readFileSync(join(kernels, `${name}.unshared.wasm`));
  const differing = [...shared.keys()].filter((at) => shared[at] !== unshared[at]);
  if (shared.length !== unshared.length || differing.length !== 1) {
    throw new Error(`${name}.wasm: the shared and unshared builds differ in more than one byte`);
  }
  // Base64 would be shorter, but not once it is compressed: there, bytes lie across its digits in three ways.
  return { hex: shared.toString("hex"), memoryFlag: differing[0] };
}

mkdirSync(generated, { recursive: true });
const table = JSON.parse(readFileSync(join(kernels, "kernels.json"), "utf8"));
const counts = Object.fromEntries(table.map(({ name, signature }) => [name, signature.length]));
writeFileSync(
  join(generated, "kernel-arguments.ts"),
  `// Made by scripts/embed.mjs.

/** How many arguments each kernel takes, as the C sources define them. */
export const kernelArguments = ${JSON.stringify(counts)} as const;
`,
);
const worker = await build({
  entryPoints: [join(root, "src", "worker.ts")],
  bundle: true,
  write: false,
  minify: true,
  format: "iife",
  platform: "neutral",
  target: "es2022",
});

writeFileSync(
  join(generated, "kernels.ts"),
  `// Made by scripts/embed.mjs.

/** A wasm module for shared memory. With the byte at \`memoryFlag\` set to 1 it is the one for memory that is not. */
export interface EmbeddedModule {
  readonly hex: string;
  readonly memoryFlag: number;
}

export const baseline: EmbeddedModule = ${JSON.stringify(kernel("baseline"))};

export const relaxed: EmbeddedModule = ${JSON.stringify(kernel("relaxed"))};

export const scalar: EmbeddedModule = ${JSON.stringify(kernel("scalar"))};
`,
);
writeFileSync(
  join(generated, "worker-source.ts"),
  `// Made by scripts/embed.mjs from src/worker.ts.

export const workerSource: string = ${JSON.stringify(worker.outputFiles[0].text)};
`,
);
