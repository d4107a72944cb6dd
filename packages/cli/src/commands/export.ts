import {
  type Codes,
  type CompleteBackend,
  encodeBatches,
  joinCodes,
  type Model,
  printSpec,
} from "@tessera/core";
import { writeFaiss, writeVectorQuantizePytorch } from "@tessera/interop";
import { decodeCodes } from "@tessera/io";
import { readBytes, writeFileAtomic } from "@tessera/io/node";
import { choice, requiredText, text } from "../args/options.js";
import { defineCommand } from "../args/command.js";
import { UsageError } from "../args/usage-error.js";
import { type BackendChoice, type Context, withBackend } from "../context.js";
import { parseIdList } from "../id-list.js";
import { checkOutputs } from "../outputs.js";
import { bytes as showBytes, plural, wrap } from "../text.js";
import { INPUT_OPTIONS, type InputChoice, withVectorFile } from "../vectors.js";
import { workOfEncoding } from "../work.js";
import { checkFormat, FORMAT_POSITIONAL } from "./interop.js";
import { BACKEND_OPTIONS, BEAM_OPTION, loadModel, OUTPUT_OPTIONS, withFileName } from "./shared.js";

export const exportCommand = defineCommand({
  name: "export",
  arguments: "faiss|torch <m.safetensors> --out x.index [options]",
  summary: "make a faiss index or a PyTorch checkpoint of a model",
  description:
    "Writes a model as a faiss index, for faiss.read_index, with the codes of a file, with those of vectors that are encoded here, or empty; or its codebooks as a .safetensors file in the naming of vector-quantize-pytorch, for load_state_dict.",
  positionals: [FORMAT_POSITIONAL, { name: "<m.safetensors>", help: "the model" }],
  options: {
    out: requiredText("FILE", "where to write the index or the checkpoint"),
    codes: text("FILE", { help: "faiss: codes to store, .npy", defaultText: "none" }),
    vectors: text("FILE", { help: "faiss: vectors to encode and store", defaultText: "none" }),
    ids: text("FILE", {
      help: "faiss: ids of the rows, a JSON list of integers",
      defaultText: "0, 1, 2, …",
    }),
    metric: choice(["l2", "ip"], { help: "faiss: what it ranks by", defaultText: "l2" }),
    ...BEAM_OPTION,
    ...INPUT_OPTIONS,
    ...BACKEND_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera export faiss model.safetensors --codes codes.npy --out x.index",
    "tessera export faiss model.safetensors --vectors vectors.npy --metric ip --out x.index",
    "tessera export torch model.safetensors --out checkpoint.safetensors",
  ],
  async run({ positionals: [format, path], values, given }, context) {
    checkFormat(format!, given, { faiss: ["codes", "vectors", "ids", "metric"], torch: [] });
    const { codes: codesPath, vectors, ids: idsPath } = values;
    if (codesPath !== undefined && vectors !== undefined) {
      throw new UsageError("--codes and --vectors are both given", "leave one of them out");
    }
    const inputs = [path!, codesPath, vectors, idsPath].filter((input) => input !== undefined);
    await checkOutputs([{ option: "out", path: values.out }], inputs);
    const model = await loadModel(path!, context);
    const isFaiss = format === "faiss";
    const codes = !isFaiss
      ? undefined
      : codesPath !== undefined
        ? await readModelCodes(codesPath, model, context)
        : vectors !== undefined
          ? await encodeVectors(vectors, model, values, context)
          : undefined;
    const ids = idsPath === undefined ? undefined : await readIdList(idsPath, context);
    const bytes = withFileName(path!, () =>
      isFaiss
        ? writeFaiss(model, { codes, ids, metric: values.metric })
        : writeVectorQuantizePytorch(model),
    );
    await writeFileAtomic(values.out, bytes, { signal: context.signal });
    const spec = printSpec(model.spec);
    context.json({
      format,
      spec,
      dimension: model.dimension,
      ...(isFaiss && { rows: codes?.rows ?? 0, metric: values.metric ?? "l2" }),
      bytes: bytes.length,
      out: values.out,
    });
    const held = isFaiss ? `, ${plural(codes?.rows ?? 0, "row")}` : "";
    const what = isFaiss ? "a faiss index" : "a checkpoint of vector-quantize-pytorch";
    const said = `${spec} written as ${what}${held}: ${showBytes(bytes.length)}`;
    for (const line of wrap(said, context.width)) context.print(line);
    context.note(`wrote ${values.out}`);
  },
});

async function readModelCodes(path: string, model: Model, context: Context): Promise<Codes> {
  const bytes = await readBytes(path, { signal: context.signal });
  return decodeCodes(bytes, model.cardinalities, path);
}

async function readIdList(path: string, context: Context): Promise<BigInt64Array> {
  const bytes = await readBytes(path, { signal: context.signal });
  return withFileName(path, () => parseIdList(new TextDecoder().decode(bytes)));
}

type EncodeChoice = InputChoice & BackendChoice & { readonly beam: number | undefined };

async function encodeVectors(
  path: string,
  model: Model,
  choices: EncodeChoice,
  context: Context,
): Promise<Codes | undefined> {
  const { signal, progress } = context;
  const { beam } = choices;
  return withVectorFile(path, choices, context, (file) => {
    const encodeAll = async (backend: CompleteBackend) => {
      const parts: Codes[] = [];
      const options = { backend, beam, signal, onProgress: progress.update };
      for await (const codes of encodeBatches(model, file, options)) parts.push(codes);
      return parts.length > 0 ? joinCodes(parts) : undefined;
    };
    const size = { rows: file.rows, dimension: file.cols, beam };
    return withBackend(choices, encodeAll, { work: workOfEncoding(model.spec, size), context });
  });
}
