import { ArgumentError, type Model, printSpec } from "@tessera/core";
import { type FaissImport, readFaiss, readVectorQuantizePytorch } from "@tessera/interop";
import { encodeCodes, encodeNpy } from "@tessera/io";
import { readBytes, writeFileAtomic } from "@tessera/io/node";
import { choice, flag, integer, text } from "../args/options.js";
import { defineCommand } from "../args/command.js";
import { UsageError } from "../args/usage-error.js";
import type { Context } from "../context.js";
import { formatIdList } from "../id-list.js";
import { checkOutputs, type PlannedOutput } from "../outputs.js";
import { grouped, plural, wrap } from "../text.js";
import { bitsPerRow, OUTPUT_OPTIONS, withFileName } from "./shared.js";
import { checkFormat, FORMAT_POSITIONAL } from "./interop.js";

/** Files that an import may write, by the option that names them. */
interface Outputs {
  readonly out: string | undefined;
  readonly codes: string | undefined;
  readonly ids: string | undefined;
  readonly rows: string | undefined;
}

export const importCommand = defineCommand({
  name: "import",
  arguments: "faiss|torch <file> --out m.safetensors [options]",
  summary: "make a model of a faiss index or a PyTorch checkpoint",
  description:
    "Reads a faiss index, as faiss.write_index writes it, or the codebooks of vector-quantize-pytorch in a .safetensors file, and writes a model that gives the same codes. The codes, ids and rows that an index holds are written if they are asked for, rows in the order of their ids.",
  positionals: [FORMAT_POSITIONAL, { name: "<file>", help: "the index or the checkpoint" }],
  options: {
    out: text("FILE", { help: "where to write the model", defaultText: "nowhere" }),
    codes: text("FILE", { help: "faiss: where to write the codes, .npy", defaultText: "nowhere" }),
    ids: text("FILE", { help: "faiss: where to write the ids, .json", defaultText: "nowhere" }),
    rows: text("FILE", {
      help: "faiss: where to write the rows of a flat or refined index, .npy",
      defaultText: "nowhere",
    }),
    prefix: text("NAME", {
      help: "torch: what the quantizer's names begin with, such as vq.",
      defaultText: "that of the only one",
    }),
    cosine: flag("torch: the module has use_cosine_sim"),
    heads: integer({
      least: 1,
      most: 65_536,
      help: "torch: heads that share a codebook",
      defaultText: "1",
    }),
    projections: choice(["refuse", "inside"], {
      help: "torch: take the model inside project_in and project_out",
      defaultText: "refuse",
    }),
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera import faiss x.index --out model.safetensors --codes codes.npy --ids ids.json",
    "tessera import torch checkpoint.safetensors --out model.safetensors --cosine",
  ],
  async run({ positionals: [format, path], values, given }, context) {
    checkFormat(format!, given, {
      faiss: ["codes", "ids", "rows"],
      torch: ["prefix", "cosine", "heads", "projections"],
    });
    const planned: PlannedOutput[] = (["out", "codes", "ids", "rows"] as const).flatMap((option) =>
      values[option] === undefined ? [] : [{ option, path: values[option] }],
    );
    if (planned.length === 0) {
      throw new UsageError("import needs --out", `usage: ${importCommand.usage}`);
    }
    await checkOutputs(planned, [path!]);
    const bytes = await readBytes(path!, { signal: context.signal });
    if (format === "faiss") {
      const found = withFileName(path!, () => readFaiss(bytes));
      await writeFound(path!, found, values, context);
      return;
    }
    const model = withFileName(path!, () => readVectorQuantizePytorch(bytes, values));
    await writeFileAtomic(values.out!, model.save(), { signal: context.signal });
    context.json({ format, ...modelFacts(model), model: values.out });
    context.print(describe(model, context));
    context.note(`wrote ${values.out}`);
  },
});

async function writeFound(
  path: string,
  found: FaissImport,
  wanted: Outputs,
  context: Context,
): Promise<void> {
  const { model, codes, rows, metric, dimension, count, description } = found;
  const none = (what: string): never => {
    throw new ArgumentError(`${path} is ${description}, which has no ${what}`, {
      hint: model ? "leave that option out" : "its rows are there: --rows rows.npy",
    });
  };
  // Everything is made before anything is written.
  const files: (readonly [path: string, bytes: Uint8Array])[] = [];
  if (wanted.out !== undefined) files.push([wanted.out, (model ?? none("model")).save()]);
  if (wanted.codes !== undefined) {
    files.push([wanted.codes, encodeCodes(codes ?? none("codes"))]);
  }
  if (wanted.rows !== undefined) {
    const { data, cols } = rows ?? none("rows");
    files.push([wanted.rows, encodeNpy(data, [count, cols])]);
  }
  if (wanted.ids !== undefined) {
    const ids = found.ids ?? BigInt64Array.from({ length: count }, (_, i) => BigInt(i));
    files.push([wanted.ids, new TextEncoder().encode(formatIdList(ids))]);
  }
  for (const [to, bytes] of files) await writeFileAtomic(to, bytes, { signal: context.signal });
  context.json({
    format: "faiss",
    description,
    metric,
    rows: count,
    dimension,
    ...(model && modelFacts(model)),
    model: wanted.out ?? null,
    codes: wanted.codes ?? null,
    ids: wanted.ids ?? null,
    vectors: wanted.rows ?? null,
  });
  const held = `${description}, ${plural(count, "row")} of ${grouped(dimension)}, by ${metric === "ip" ? "inner product" : "L2"}`;
  for (const line of wrap(held, context.width)) context.print(line);
  if (model) context.print(describe(model, context));
  for (const [to] of files) context.note(`wrote ${to}`);
}

function modelFacts(model: Model): Record<string, unknown> {
  return {
    spec: printSpec(model.spec),
    dimension: model.dimension,
    bitsPerRow: bitsPerRow(model.cardinalities),
  };
}

function describe(model: Model, { paint }: Context): string {
  const bits = bitsPerRow(model.cardinalities);
  const name = paint(printSpec(model.spec), "bold");
  return `${name}: ${bits} bits a row instead of ${grouped(model.dimension * 32)}`;
}
