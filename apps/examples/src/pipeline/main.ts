// The pipeline in Node, Deno or Bun:
//
//   node dist/pipeline/main.js [folder to write to] [backend]
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { BackendName } from "@tessera/backend";
import { runPipeline } from "./pipeline.js";

const [out = "out", backend] = process.argv.slice(2);
const data = fileURLToPath(new URL("../../data/", import.meta.url));
await mkdir(out, { recursive: true });

const outcome = await runPipeline(
  {
    read: (name) => readFile(join(data, name)),
    write: (name, bytes) => writeFile(join(out, name), bytes),
  },
  // `pickBackend` says what is wrong with a name that it does not know.
  { backend: backend as BackendName | undefined },
);

for (const { emoji, name, id } of outcome.menu) console.log(`${id}  ${emoji} ${name}`);
const { name, device, reason } = outcome.backend;
console.log(`\non ${name}: ${device}${reason === undefined ? "" : ` (${reason})`}`);
