import type { Spec } from "@tessera/core";
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
export function programOf(settings: Settings, dataset: Dataset | undefined, spec: Spec): string {
  const { seed, iterations } = settings;
  const parts = partsOf(spec, settings);
  const imports = new Map([["@tessera/core", new Set(["createQuantizers", "evaluate"])]]);
  const use = (name: string, from: string): void => {
    imports.set(from, (imports.get(from) ?? new Set()).add(name));
  };
  use("decodeVectors", "@tessera/io");
  for (const { names, from } of parts) for (const name of names) use(name, from);
  const top = parts.filter(({ inside }) => !inside).map(({ code }) => code);
  const inner = parts.filter(({ inside }) => inside).map(({ code }) => code);
  if (inner.length > 0) {
    use("createTransformedPart", "@tessera/transforms");
    top.push(`createTransformedPart([${inner.join(", ")}])`);
  }
  return `import { readFile, writeFile } from "node:fs/promises";
${[...imports]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([from, names]) => `import { ${[...names].sort().join(", ")} } from "${from}";`)
  .join("\n")}

const quantizers = createQuantizers([${top.join(", ")}]);
const rows = await decodeVectors(await readFile(${JSON.stringify(dataFileOf(settings, dataset))}));
const model = await quantizers.fit(${JSON.stringify(settings.spec)}, rows, { seed: ${seed}, iterations: ${iterations} });
const { codes, relativeDistortion } = await evaluate(model, rows);
console.log(codes.row(0), relativeDistortion);
await writeFile("model.safetensors", model.save());
`;
}

/** What a program needs for a kind of spec; `inside` of `createTransformedPart` if it is a transform. */
interface Part {
  readonly names: readonly string[];
  readonly from: string;
  readonly code: string;
  readonly inside?: true;
}

const PARTS: Readonly<Record<Exclude<Spec["kind"], "transformed">, Part>> = {
  vq: { names: ["vqPart"], from: "@tessera/vq", code: "vqPart" },
  fsq: { names: ["fsqPart"], from: "@tessera/vq", code: "fsqPart" },
  sq: { names: ["scalarPart"], from: "@tessera/scalar", code: "scalarPart" },
  sign: { names: ["signPart"], from: "@tessera/binary", code: "signPart" },
  residual: { names: ["residualPart"], from: "@tessera/rq", code: "residualPart" },
  split: { names: ["splitPart"], from: "@tessera/pq", code: "splitPart" },
};

function partsOf(spec: Spec, settings: Settings): Part[] {
  const found = new Map<string, Part>();
  const add = (part: Part): void => void found.set(part.code, part);
  const visit = (node: Spec): void => {
    if (node.kind !== "transformed") add(PARTS[node.kind]);
    if (node.kind === "residual") node.levels.forEach(visit);
    if (node.kind === "split") visit(node.each);
    if (node.kind !== "transformed") return;
    visit(node.quantizer);
    const { kind } = node.transform;
    const inside = true;
    if (kind === "ae") {
      const code = `createAutoencoderPart(${JSON.stringify(trainingOf(settings))})`;
      add({ names: ["createAutoencoderPart"], from: "@tessera/rqvae", code, inside });
    } else if (kind === "itq") {
      add({ names: ["itqPart"], from: "@tessera/binary", code: "itqPart", inside });
    } else {
      const code = "...transformParts";
      add({ names: ["transformParts"], from: "@tessera/transforms", code, inside });
    }
  };
  visit(spec);
  return [...found.values()];
}

export function isAutoencoder(spec: string): boolean {
  return spec.includes("ae(") || spec.includes("rqvae");
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
