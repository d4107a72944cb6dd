import {
  type CodeArray,
  type Codes,
  codeArrayFor,
  type CompleteBackend,
  encodeBatches,
  type Model,
  type Rows,
} from "@tessera/core";
import { writeNpyRows } from "@tessera/io/node";
import { requiredText } from "../args/options.js";
import { defineCommand } from "../args/command.js";
import { withBackend } from "../context.js";
import { checkOutputs } from "../outputs.js";
import { IdQueue, isParquet, writeCodesParquet } from "../parquet.js";
import { duration, grouped, plural } from "../text.js";
import { INPUT_OPTIONS, withVectorFile } from "../vectors.js";
import { workOfEncoding } from "../work.js";
import {
  BACKEND_OPTIONS,
  BEAM_OPTION,
  loadModel,
  OUTPUT_OPTIONS,
  roundSeconds,
  timed,
} from "./shared.js";

export const encode = defineCommand({
  name: "encode",
  arguments: "<vectors> --model m.safetensors --out codes.npy [options]",
  summary: "turn vectors into codes",
  description:
    "Writes the codes of vectors as an .npy file of shape [rows, columns]: uint8 where every column has at most 256 codes, else uint16 or uint32. With a .parquet file as --out, as one of lists, beside the ids of the input where it has some. Vectors are read batch by batch, so the file may be larger than memory.",
  positionals: [{ name: "<vectors>", help: "file of vectors to encode" }],
  options: {
    model: requiredText("FILE", "the model, as written by tessera fit"),
    out: requiredText("FILE", "where to write the codes: .npy, or .parquet with ids"),
    ...BEAM_OPTION,
    ...INPUT_OPTIONS,
    ...BACKEND_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera encode vectors.npy --model model.safetensors --out codes.npy",
    "tessera encode items.parquet --column embedding --model model.safetensors --out codes.parquet",
  ],
  async run({ positionals: [path], values }, context) {
    await checkOutputs([{ option: "out", path: values.out }], [path!, values.model]);
    const model = await loadModel(values.model, context);
    const { value: rows, seconds } = await timed(() =>
      withVectorFile(path!, values, context, (file) => {
        const size = { rows: file.rows, dimension: file.cols, beam: values.beam };
        const write = (backend: CompleteBackend): Promise<number> => {
          const encoded = (rows: Rows): AsyncGenerator<Codes, void, undefined> =>
            encodeBatches(model, rows, {
              backend,
              beam: values.beam,
              signal: context.signal,
              onProgress: context.progress.update,
            });
          const options = { signal: context.signal };
          if (isParquet(values.out)) {
            const queue = new IdQueue(file);
            return writeCodesParquet(values.out, encoded(queue.rows), queue, options);
          }
          const columns = model.cardinalities.length;
          return writeNpyRows(values.out, arraysOf(model, encoded(file)), columns, options);
        };
        return withBackend(values, write, { work: workOfEncoding(model.spec, size), context });
      }),
    );
    const columns = model.cardinalities.length;
    const dtype = isParquet(values.out)
      ? "uint32"
      : codeArrayFor(model.cardinalities).name.replace("Array", "").toLowerCase();
    context.json({ rows, columns, dtype, seconds: roundSeconds(seconds), codes: values.out });
    context.print(
      `${plural(rows, "row")} encoded in ${duration(seconds)}: ${dtype} [${grouped(rows)}, ${columns}]`,
    );
    context.note(`wrote ${values.out}`);
  },
});

async function* arraysOf(
  model: Model,
  batches: AsyncIterable<Codes>,
): AsyncGenerator<CodeArray, void, undefined> {
  // An empty first batch tells the writer the type, also where there are no rows.
  yield new (codeArrayFor(model.cardinalities))(0);
  for await (const codes of batches) yield codes.data;
}
