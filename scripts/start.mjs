// The main job on real input: Semantic IDs of every emoji, from embeddings that ship with the repository.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const data = join("apps", "examples", "data");
mkdirSync(join(root, "out"), { recursive: true });

const flags = {
  items: join(data, "emoji.jsonl"),
  names: "emoji,name",
  group: "group",
  out: join("out", "ids.json"),
  model: join("out", "model.safetensors"),
  report: join("out", "report.html"),
};
const { status } = spawnSync(
  process.execPath,
  [
    join("packages", "cli", "dist", "bin.js"),
    "ids",
    join(data, "emoji.npy"),
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: "inherit" },
);
process.exit(status ?? 1);
