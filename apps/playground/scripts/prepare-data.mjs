// Puts the sample data where the page finds them: public/data, which is not committed.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { encodeNpy } from "@tessera/io";

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL("../public/data/", import.meta.url));
const examples = fileURLToPath(new URL("../../examples/data/", import.meta.url));
const own = fileURLToPath(new URL("../data/", import.meta.url));
const DIGITS_OF_EACH = 200;
const PIXELS = 784;

await mkdir(folder, { recursive: true });
await copyFile(`${examples}emoji.npy`, `${folder}emoji.npy`);
await writeJson("emoji", await emojiLabels());
await copyFile(`${own}words.npy`, `${folder}words.npy`);
await writeJson("words", {
  labels: (await readFile(`${own}words.txt`, "utf8")).trimEnd().split("\n"),
});
await writeDigits();

async function emojiLabels() {
  const lines = (await readFile(`${examples}emoji.jsonl`, "utf8")).trimEnd().split("\n");
  const items = lines.map((line) => JSON.parse(line));
  return {
    labels: items.map(({ emoji, name }) => `${emoji} ${name}`),
    groups: items.map(({ group }) => group),
  };
}

/** Pixels in 256ths, the first of each digit by turns. */
async function writeDigits() {
  const count = 10 * DIGITS_OF_EACH;
  const pixels = new Uint8Array(count * PIXELS);
  const labels = [];
  const digits = Array.from(
    { length: 10 },
    (_, digit) => require(`mnist/src/digits/${digit}.json`).data,
  );
  for (let i = 0; i < count; i++) {
    const from = Math.floor(i / 10) * PIXELS;
    const values = digits[i % 10].slice(from, from + PIXELS);
    pixels.set(
      values.map((value) => Math.round(value * 255)),
      i * PIXELS,
    );
    labels.push(String(i % 10));
  }
  await writeFile(`${folder}digits.npy`, encodeNpy(pixels, [count, PIXELS]));
  await writeJson("digits", { labels, groups: labels });
}

async function writeJson(name, value) {
  await writeFile(`${folder}${name}.json`, JSON.stringify(value));
}
