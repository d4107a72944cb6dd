// The files that the commands of a page ask a reader for, of small made-up vectors, and `npx tessera`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Vectors around as many centers. */
const CENTERS = 40;
const DIMENSION = 32;

/** Rows of each file of vectors: the first are what is fitted. */
const ROWS = {
  "vectors.npy": 1500,
  "embeddings.npy": 1500,
  "held-out.npy": 200,
  "new.npy": 200,
  "queries.npy": 20,
};

/** Puts them where commands of a fence of `sh files` look for them. */
export async function putReadersFiles(root, folder) {
  const built = (path) => import(pathToFileURL(join(root, "packages", path)).href);
  const { Random } = await built("core/dist/index.js");
  const { encodeNpy } = await built("io/dist/index.js");
  const random = new Random(1);
  const normals = (count, scale) =>
    Float32Array.from({ length: count }, () => scale * random.normal());
  const centers = normals(CENTERS * DIMENSION, 1);
  for (const [name, rows] of Object.entries(ROWS)) {
    const values = normals(rows * DIMENSION, 0.3).map((noise, i) => {
      const row = Math.floor(i / DIMENSION);
      return noise + centers[(row % CENTERS) * DIMENSION + (i % DIMENSION)];
    });
    writeFileSync(join(folder, name), encodeNpy(values, [rows, DIMENSION]));
  }
  const rows = Array.from({ length: ROWS["vectors.npy"] }, (_, i) => i);
  const item = (i) => JSON.stringify({ title: `item ${i}`, category: `kind ${i % CENTERS}` });
  writeFileSync(join(folder, "items.jsonl"), rows.map((i) => `${item(i)}\n`).join(""));
  const word = (i) => (i === 7 ? "house" : `word${i}`);
  writeFileSync(join(folder, "words.txt"), rows.map((i) => `${word(i)}\n`).join(""));
}

/** Lets `npx tessera` find the command, as it does where the package is installed. */
export function putCommand(root, folder) {
  const bin = join(folder, "node_modules", ".bin");
  mkdirSync(bin, { recursive: true });
  const script = join(root, "packages", "cli", "dist", "bin.js");
  writeFileSync(join(bin, "tessera"), `#!/bin/sh\nexec node "${script}" "$@"\n`, { mode: 0o755 });
}
