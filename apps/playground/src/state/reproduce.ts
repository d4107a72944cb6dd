import type { Dataset } from "../data/dataset.js";
import type { Settings } from "./settings.js";

/** Settings of the training of an autoencoder. */
export function trainingOf(settings: Settings): Readonly<Record<string, number>> {
  const { steps, pretraining, batchSize, learningRate, separation } = settings;
  return { steps, pretraining, batchSize, learningRate, separation };
}

/** What the file of the data is called that the page gives away. */
export function dataFileOf(settings: Settings, dataset: Dataset | undefined): string {
  return settings.data === "file"
    ? `${(dataset?.title ?? "data").replace(/\.\w+$/, "")}.npy`
    : `${settings.data}.npy`;
}

/** The command that does the same to the data file. */
export function commandOf(settings: Settings, dataset: Dataset | undefined): string {
  const { spec, seed, iterations } = settings;
  const parts = [
    `npx tessera fit ${quoted(dataFileOf(settings, dataset))}`,
    `--spec ${quoted(spec)}`,
    `--seed ${seed}`,
    `--iterations ${iterations}`,
    ...(isAutoencoder(spec) ? [`--training ${quoted(JSON.stringify(trainingOf(settings)))}`] : []),
    "--out model.safetensors",
  ];
  return parts.join(" \\\n  ");
}

/** A program that does the same. */
export function programOf(settings: Settings, dataset: Dataset | undefined): string {
  const { spec, seed, iterations } = settings;
  const training = isAutoencoder(spec) ? JSON.stringify(trainingOf(settings)) : "";
  return `import { readFile, writeFile } from "node:fs/promises";
import { createQuantizers, evaluate } from "@tessera/core";
import { decodeVectors } from "@tessera/io";
import { splitPart } from "@tessera/pq";
import { residualPart } from "@tessera/rq";
import { createAutoencoderPart } from "@tessera/rqvae";
import { createTransformedPart, transformParts } from "@tessera/transforms";
import { vqPart } from "@tessera/vq";

const quantizers = createQuantizers([
  vqPart,
  residualPart,
  splitPart,
  createTransformedPart([...transformParts, createAutoencoderPart(${training})]),
]);
const rows = await decodeVectors(await readFile(${JSON.stringify(dataFileOf(settings, dataset))}));
const model = await quantizers.fit(${JSON.stringify(spec)}, rows, { seed: ${seed}, iterations: ${iterations} });
const { codes, relativeDistortion } = await evaluate(model, rows);
console.log(codes.row(0), relativeDistortion);
await writeFile("model.safetensors", model.save());
`;
}

export function isAutoencoder(spec: string): boolean {
  return spec.includes("ae(") || spec.includes("rqvae");
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
