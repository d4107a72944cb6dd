import { Codes, type Model } from "@tessera/core";
import { decodeCodes, decodeNpy } from "@tessera/io";
import { readBytes, writeNpyRows } from "@tessera/io/node";
import { flag, requiredText } from "../args/options.js";
import { defineCommand } from "../args/command.js";
import type { Context } from "../context.js";
import { checkOutputs } from "../outputs.js";
import { isParquet, readCodesParquet } from "../parquet.js";
import { duration, grouped, plural } from "../text.js";
import { loadModel, OUTPUT_OPTIONS, roundSeconds, timed } from "./shared.js";

const BATCH_VALUES = 2 ** 22;

export const decode = defineCommand({
  name: "decode",
  arguments: "<codes> --model m.safetensors --out x.npy [options]",
  summary: "turn codes back into vectors",
  description:
    "Writes the vectors that codes stand for as an .npy file of float32, shape [rows, dimension]. Codes with fewer columns, such as the first level alone, decode coarser where the model can.",
  positionals: [{ name: "<codes>", help: "codes, as written by tessera encode" }],
  options: {
    model: requiredText("FILE", "the model that made the codes"),
    out: requiredText("FILE", "where to write the vectors"),
    half: flag("write float16 instead of float32"),
    ...OUTPUT_OPTIONS,
  },
  examples: ["tessera decode codes.npy --model model.safetensors --out decoded.npy"],
  async run({ positionals: [path], values }, context) {
    await checkOutputs([{ option: "out", path: values.out }], [path!, values.model]);
    const model = await loadModel(values.model, context);
    const codes = await readModelCodes(path!, model, context);
    const { value: rows, seconds } = await timed(() =>
      writeNpyRows(values.out, decodedBatches(model, codes, context), model.dimension, {
        half: values.half,
        signal: context.signal,
      }),
    );
    context.json({
      rows,
      dimension: model.dimension,
      columns: codes.columns,
      seconds: roundSeconds(seconds),
      vectors: values.out,
    });
    context.print(
      `${plural(rows, "row")} of codes decoded in ${duration(seconds)}: ${values.half ? "float16" : "float32"} [${grouped(rows)}, ${grouped(model.dimension)}]`,
    );
    context.note(`wrote ${values.out}`);
  },
});

/** Codes with all of the model's columns, or with as many of the first as decode on their own. */
async function readModelCodes(path: string, model: Model, context: Context): Promise<Codes> {
  if (isParquet(path)) return readCodesParquet(path, model, context.signal);
  const bytes = await readBytes(path, { signal: context.signal });
  const { shape } = decodeNpy(bytes, path);
  const columns = shape.length === 1 ? 1 : shape[1];
  const known = model.prefixes.find((prefix) => prefix === columns);
  return decodeCodes(bytes, model.cardinalities.slice(0, known), path);
}

async function* decodedBatches(
  model: Model,
  codes: Codes,
  context: Context,
): AsyncGenerator<Float32Array, void, undefined> {
  const size = Math.max(1, Math.floor(BATCH_VALUES / model.dimension));
  for (let start = 0; start < codes.rows; start += size) {
    const end = Math.min(codes.rows, start + size);
    const part = codes.data.subarray(start * codes.columns, end * codes.columns);
    const { data } = await model.decode(new Codes(part, codes.cardinalities), {
      signal: context.signal,
    });
    yield data;
    context.progress.update({ task: "decode", done: end, total: codes.rows });
    // Decoding is synchronous work; between batches Ctrl-C must get a turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
