// The demo of `npm start`: Semantic IDs for every emoji, by the command that anybody can run. Options written after it
// override the ones here: `npm start -- --spec rq3x32`.
import { mkdir } from "node:fs/promises";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { runProcess } from "@tessera/cli";
import { NEXT_STEP } from "./next-step.js";

const data = relative(".", fileURLToPath(new URL("../data/", import.meta.url)));
const given = process.argv.slice(2);
await mkdir("out", { recursive: true });
await runProcess([
  "ids",
  `${data}/emoji.npy`,
  `--items=${data}/emoji.jsonl`,
  "--names=emoji,name",
  "--group=group",
  // 16 families that a person can read through, then three finer levels that leave few emoji with the same codes.
  "--spec=vq16+vq64+vq64+vq64",
  "--out=out/ids.json",
  "--model=out/model.safetensors",
  "--report=out/report.html",
  ...given,
]);
// Whoever asks for something else knows the way.
if (given.length === 0 && (process.exitCode ?? 0) === 0) console.log(NEXT_STEP);
