import { extname } from "node:path";
import { decodeSafetensors, type HostTensor, printSpec } from "@tessera/core";
import { readBytes } from "@tessera/io/node";
import { analyseCodes, readIds } from "@tessera/semantic-ids";
import { defineCommand } from "../args/command.js";
import type { Context } from "../context.js";
import { knownQuantizers } from "../quantizers.js";
import { bytes as showBytes, figure, grouped, percent, plural, table, wrap } from "../text.js";
import { INPUT_OPTIONS, type InputChoice, withVectorFile } from "../vectors.js";
import { bitsPerRow, fileName, OUTPUT_OPTIONS, withFileName } from "./shared.js";

export const inspect = defineCommand({
  name: "inspect",
  arguments: "<file> [options]",
  summary: "show what is in a model or a file of vectors, codes or IDs",
  description:
    "Shows what a file holds. Of an index: its tensors. Of a model: its spec, dimension, bits per row, tensors and the facts that were kept when it was fitted. Of vectors or codes: shape, type and range. Of an ids.json: how many items, levels and collisions.",
  positionals: [{ name: "<file>", help: "a model, vectors, codes.npy or ids.json" }],
  options: { ...INPUT_OPTIONS, ...OUTPUT_OPTIONS },
  examples: ["tessera inspect model.safetensors", "tessera inspect codes.npy --json"],
  async run({ positionals: [path], values }, context) {
    const extension = extname(path!).toLowerCase();
    if (extension === ".json") return inspectIds(path!, context);
    const asksForVectors = values.tensor !== undefined;
    if (extension === ".safetensors" && !asksForVectors) return inspectTensors(path!, context);
    return inspectVectors(path!, values, context);
  },
});

async function inspectTensors(path: string, context: Context): Promise<void> {
  const data = await readBytes(path, { signal: context.signal });
  const { tensors, metadata } = withFileName(path, () => decodeSafetensors(data));
  const list = [...tensors].map(([name, tensor]) => describeTensor(name, tensor));
  if (metadata["format"] !== "tessera") {
    const isIndex = metadata["format"] === "tessera-index";
    const kind = isIndex ? "index" : "safetensors";
    context.json({ kind, bytes: data.length, metadata, tensors: list });
    context.print(
      `${context.paint(fileName(path), "bold")}  ${isIndex ? "Tessera index" : "safetensors, not a Tessera model"}, ${showBytes(data.length)}`,
    );
    printTensors(list, context);
    return;
  }
  const model = withFileName(path, () => knownQuantizers().load(data));
  const { facts = {} } = model.state();
  const name = printSpec(model.spec);
  const bits = bitsPerRow(model.cardinalities);
  context.json({
    kind: "model",
    bytes: data.length,
    formatVersion: Number(metadata["format_version"]),
    spec: name,
    specJson: model.spec,
    dimension: model.dimension,
    cardinalities: model.cardinalities,
    prefixes: model.prefixes,
    bitsPerRow: bits,
    tensors: list,
    facts,
  });
  const { paint, print, width } = context;
  print(`${paint(fileName(path), "bold")}  Tessera model, ${showBytes(data.length)}`);
  print();
  const lines: [string, string][] = [
    ["spec", name],
    ["as JSON", JSON.stringify(model.spec)],
    ["dimension", grouped(model.dimension)],
    ["codes", `${plural(model.cardinalities.length, "column")}: ${model.cardinalities.join(", ")}`],
    ["bits", `${bits} a row, ${figure((model.dimension * 32) / bits)} × smaller than float32`],
    ["format", `version ${metadata["format_version"]}`],
  ];
  for (const [label, value] of lines) printPair(label, value, width, context);
  if (Object.keys(facts).length > 0) {
    print();
    for (const [label, value] of Object.entries(facts)) {
      printPair(label, showFact(value), width, context);
    }
  }
  printTensors(list, context);
}

async function inspectVectors(path: string, choice: InputChoice, context: Context): Promise<void> {
  await withVectorFile(
    path,
    choice,
    context,
    async (file) => {
      let rows = 0;
      let minimum = Infinity;
      let maximum = -Infinity;
      let norms = 0;
      let firstNonFinite: number | null = null;
      for await (const batch of file) {
        for (let i = 0; i < batch.rows; i++) {
          let square = 0;
          for (let j = 0; j < batch.cols; j++) {
            const value = batch.data[i * batch.cols + j]!;
            if (!Number.isFinite(value)) firstNonFinite ??= rows + i;
            if (value < minimum) minimum = value;
            if (value > maximum) maximum = value;
            square += value * value;
          }
          norms += Math.sqrt(square);
        }
        rows += batch.rows;
        context.progress.update({ task: "read", done: rows, total: file.rows });
      }
      const meanNorm = rows === 0 ? null : norms / rows;
      const range = rows === 0 ? null : [minimum, maximum];
      context.json({
        kind: "vectors",
        format: file.format,
        dtype: file.dtype,
        rows,
        columns: file.cols,
        range,
        // NaN has no place in JSON.
        meanNorm: meanNorm !== null && Number.isFinite(meanNorm) ? meanNorm : null,
        firstNonFiniteRow: firstNonFinite,
      });
      const { paint, print, width } = context;
      print(`${paint(fileName(path), "bold")}  ${file.format}`);
      print();
      printPair("shape", `${grouped(rows)} × ${grouped(file.cols)}`, width, context);
      printPair("type", file.dtype, width, context);
      if (range !== null) {
        printPair("values", `${figure(minimum)} to ${figure(maximum)}`, width, context);
      }
      if (meanNorm !== null) printPair("mean norm", figure(meanNorm), width, context);
      if (firstNonFinite !== null) {
        print(paint(`row ${firstNonFinite} has a value that is not finite`, "warning"));
      }
    },
    { allowNonFinite: true },
  );
}

async function inspectIds(path: string, context: Context): Promise<void> {
  const data = await readBytes(path, { signal: context.signal });
  const file = withFileName(path, () => readIds(new TextDecoder().decode(data)));
  const { codes, collisions } = file.ids;
  const analysis = analyseCodes(codes);
  const spec = file.format === "tessera" ? (file.spec ?? null) : null;
  context.json({
    kind: "ids",
    format: file.format,
    spec,
    items: file.items.length,
    cardinalities: codes.cardinalities,
    collisions,
    collisionRate: analysis.collisionRate,
    largestGroup: analysis.largestGroup,
    usedCodes: analysis.levels.map(({ usedCodes }) => usedCodes),
    perplexity: analysis.levels.map(({ perplexity }) => perplexity),
  });
  const { paint, print, width } = context;
  print(`${paint(fileName(path), "bold")}  Semantic IDs, ${file.format} format`);
  print();
  if (spec !== null) printPair("spec", spec, width, context);
  printPair("items", grouped(file.items.length), width, context);
  printPair("levels", codes.cardinalities.join(", "), width, context);
  printPair("suffix", collisions === "keep" ? "none" : collisions, width, context);
  printPair(
    "collisions",
    `${percent(analysis.collisionRate)} before the suffix, largest group ${analysis.largestGroup}`,
    width,
    context,
  );
}

interface TensorFacts {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

function describeTensor(name: string, { dtype, shape, data }: HostTensor): TensorFacts {
  return { name, dtype, shape, bytes: data.byteLength };
}

function printTensors(tensors: readonly TensorFacts[], context: Context): void {
  const rows = tensors.map(({ name, dtype, shape, bytes: size }) => [
    name,
    dtype,
    `[${shape.join(", ")}]`,
    showBytes(size),
  ]);
  context.print();
  const [head, ...lines] = table([["tensor", "type", "shape", "size"], ...rows], [0, 1, 2]);
  context.print(context.paint(head!, "dim"));
  for (const line of lines) context.print(line);
}

function printPair(label: string, value: string, width: number, context: Context): void {
  const column = Math.max(12, label.length + 2);
  const [first, ...rest] = wrap(value, width, " ".repeat(column));
  context.print(context.paint(label.padEnd(column), "dim") + first!.slice(column));
  for (const line of rest) context.print(line);
}

function showFact(value: unknown): string {
  if (typeof value === "number") return figure(value);
  if (Array.isArray(value)) return value.map(showFact).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
