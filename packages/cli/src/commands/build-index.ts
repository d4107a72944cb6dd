import { type CompleteBackend, type Model, printSpec, type Rows } from "@tessera/core";
import { writeFileAtomic } from "@tessera/io/node";
import { createIndex, type SearchIndex } from "@tessera/search";
import { defineCommand } from "../args/command.js";
import { flag, requiredText, text } from "../args/options.js";
import { UsageError } from "../args/usage-error.js";
import { type Context, withBackend } from "../context.js";
import { checkOutputs } from "../outputs.js";
import { knownQuantizers } from "../quantizers.js";
import { bytes, duration, grouped } from "../text.js";
import { INPUT_OPTIONS, loadVectors, withVectorFile } from "../vectors.js";
import { workOfFit } from "../work.js";
import {
  BACKEND_OPTIONS,
  FIT_OPTIONS,
  type FitChoice,
  fitOptions,
  loadModel,
  OUTPUT_OPTIONS,
  readSpec,
  roundSeconds,
  timed,
} from "./shared.js";

/** Options that say what an index is made with. */
export const INDEX_OPTIONS = {
  spec: text("SPEC", { help: "what to quantize with, such as pq16x256 or rabitq" }),
  model: text("FILE", { help: "a model to quantize with instead, as written by tessera fit" }),
  lists: flag("sort rows by the first code; a search then visits the nearest lists"),
};

export interface IndexChoice extends Omit<FitChoice, "beam"> {
  readonly spec: string | undefined;
  readonly model: string | undefined;
  readonly lists: boolean;
}

export const buildIndex = defineCommand({
  name: "index",
  arguments: "<vectors> --spec S --out x.index.safetensors [options]",
  summary: "make an index of vectors to search",
  description:
    "Learns a quantizer from vectors, or takes a --model, and writes the codes of all vectors with it as one file, which tessera search reads. The id of a vector is its row number.",
  positionals: [{ name: "<vectors>", help: "file of vectors to index" }],
  options: {
    out: requiredText("FILE", "where to write the index"),
    ...INDEX_OPTIONS,
    ...FIT_OPTIONS,
    ...INPUT_OPTIONS,
    ...BACKEND_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera index vectors.npy --spec opq16x256 --out x.index.safetensors",
    "tessera index vectors.npy --spec vq1024+pq16x256 --lists --out x.index.safetensors",
    "tessera index vectors.npy --model model.safetensors --out x.index.safetensors",
  ],
  async run({ positionals: [path], values }, context) {
    checkIndexChoice(values, "index");
    const inputs = values.model === undefined ? [path!] : [path!, values.model];
    await checkOutputs([{ option: "out", path: values.out }], inputs);
    const { value: index, seconds } = await timed(() =>
      withVectorFile(path!, values, context, async (file) => {
        const { rows, count, cols } = await loadVectors(path!, file, context);
        const size = { ...values, rows: count, dimension: cols };
        const work = values.spec ? workOfFit(readSpec(values.spec).spec, size) : undefined;
        const build = (backend: CompleteBackend) => indexRows(rows, values, backend, context);
        return withBackend(values, build, { work, context });
      }),
    );
    const file = index.save();
    await writeFileAtomic(values.out, file, { signal: context.signal });
    const spec = printSpec(index.model.spec);
    context.json({
      spec,
      dimension: index.model.dimension,
      rows: index.size,
      lists: index.lists,
      bytesPerVector: index.bytesPerVector,
      bytes: file.length,
      seconds: roundSeconds(seconds),
      index: values.out,
    });
    const { paint } = context;
    context.print(
      `${paint(spec, "bold")} index of ${grouped(index.size)} × ${grouped(index.model.dimension)} in ${duration(seconds)}`,
    );
    context.print(
      `${index.bytesPerVector} bytes a vector instead of ${grouped(4 * index.model.dimension)}; the file has ${bytes(file.length)}`,
    );
    context.note(`wrote ${values.out}`);
  },
});

/** @throws {UsageError} unless exactly one thing says what to quantize with */
export function checkIndexChoice(choice: IndexChoice, command: string): void {
  if (choice.spec === undefined && choice.model === undefined) {
    throw new UsageError(
      `${command} needs --spec or --model`,
      "try --spec pq16x256, or give a model that tessera fit wrote",
    );
  }
  if (choice.spec !== undefined && choice.model !== undefined) {
    throw new UsageError("--spec and --model both say what to quantize with", "give one of them");
  }
  if (choice.spec !== undefined) readSpec(choice.spec);
}

/** An index of all rows, by a model that exists or is learned from them. */
export async function indexRows(
  rows: Rows,
  choice: IndexChoice,
  backend: CompleteBackend,
  context: Context,
): Promise<SearchIndex> {
  const model = await modelFor(rows, choice, backend, context);
  const index = createIndex(model, { lists: choice.lists });
  const { signal, progress } = context;
  await index.add(rows, { backend, signal, onProgress: progress.update });
  return index;
}

function modelFor(
  rows: Rows,
  choice: IndexChoice,
  backend: CompleteBackend,
  context: Context,
): Promise<Model> {
  if (choice.model !== undefined) return loadModel(choice.model, context);
  const options = fitOptions({ ...choice, beam: undefined }, backend, context);
  return knownQuantizers().fit(readSpec(choice.spec!).spec, rows, options);
}
