import { writeFileAtomic } from "@tessera/io/node";
import {
  analyseCodes,
  assignSemanticIds,
  idsToJson,
  indexToJson,
  prefixPurity,
  PrefixTree,
  type SemanticIds,
} from "@tessera/semantic-ids";
import { type CompleteBackend, evaluate, printSpec, throwIfAborted } from "@tessera/core";
import { choice, flag, integer, text } from "../args/options.js";
import { defineCommand } from "../args/command.js";
import { UsageError } from "../args/usage-error.js";
import { withBackend } from "../context.js";
import { readCatalogue } from "../items.js";
import { checkOutputs, kindOf } from "../outputs.js";
import { idsToParquet, isParquet } from "../parquet.js";
import { knownQuantizers } from "../quantizers.js";
import { reportOf } from "../report.js";
import { evaluationJson } from "../summary.js";
import { openTraining, TRAINING_OPTIONS, trainingInputs, trainingOutputs } from "../training.js";
import { INPUT_OPTIONS, loadVectors, withVectorFile } from "../vectors.js";
import { workOfEncoding, workOfFit } from "../work.js";
import { printIdsSummary } from "./ids-summary.js";
import {
  BACKEND_OPTIONS,
  BEAM_OPTION,
  fileName,
  FIT_OPTIONS,
  fitOptions,
  loadModel,
  OUTPUT_OPTIONS,
  readSpec,
  roundSeconds,
  timed,
} from "./shared.js";

const DEFAULT_SPEC = "rq3x256";

export const ids = defineCommand({
  name: "ids",
  arguments: "<input> [options]",
  summary: "give every item a Semantic ID",
  description:
    "Learns a quantizer from the items' vectors, encodes them, makes the codes unique, and shows the tree that they form. Writes the IDs, the model and a report where asked to.",
  positionals: [{ name: "<input>", help: "file of vectors, one per item" }],
  options: {
    spec: text("SPEC", { help: "what to build, such as rq3x256", defaultText: DEFAULT_SPEC }),
    out: text("FILE", { help: "where to write the IDs: .json, or .parquet" }),
    model: text("FILE", {
      help: "without --spec, a model that exists is used as it is; otherwise the fitted model is written here",
    }),
    report: text("FILE", { help: "where to write an HTML report" }),
    items: text("FILE", {
      help: "a .jsonl file with one object per row, for ids, names and groups",
      defaultText: "the fields of a .jsonl, .parquet or .arrow input",
    }),
    id: text("FIELD", {
      help: "field with each item's own id",
      defaultText: "id, else row numbers",
    }),
    names: text("FIELD", {
      help: "field, or fields with commas between, to call items by",
      defaultText: "title, name, label or text",
    }),
    group: text("FIELD", { help: "field with the kind of each item, to judge prefixes by" }),
    format: choice(["tessera", "index"], {
      help: "tessera keeps all; index is the token file of LC-Rec and MiniOneRec",
      defaultText: "index for *.index.json, else tessera",
    }),
    collisions: choice(["rank", "rank-on-collision", "keep"], {
      help: "what to do about items with the same codes: number them in a last code, only where needed, or nothing",
      defaultText: "rank",
    }),
    "tree-depth": integer({ least: 1, help: "levels of the tree to print", defaultText: "2" }),
    "tree-width": integer({
      least: 1,
      help: "branches to print of each node",
      defaultText: "3, and 16 of the root",
    }),
    ascii: flag("draw the tree with ASCII characters"),
    ...FIT_OPTIONS,
    ...BEAM_OPTION,
    ...TRAINING_OPTIONS,
    ...INPUT_OPTIONS,
    ...BACKEND_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera ids vectors.npy --out ids.json",
    "tessera ids vectors.npy --items items.jsonl --names title --report report.html",
    "tessera ids items.jsonl --spec rq4x64 --group category --out items.index.json",
    "tessera ids items.parquet --column embedding --id item_id --out ids.json",
    "tessera ids new.npy --model model.safetensors --out ids.json",
  ],
  async run({ positionals: [path], values, given }, context) {
    const source = fileName(path!);
    if (values.format !== undefined && values.out !== undefined && isParquet(values.out)) {
      throw new UsageError(
        `--format is about .json files, and ${values.out} is none`,
        "leave it out: a .parquet file has ids, codes and tokens as columns",
      );
    }
    const { spec, name } = readSpec(values.spec ?? DEFAULT_SPEC);
    const reuses =
      values.spec === undefined &&
      values.model !== undefined &&
      (await kindOf(values.model)) === "file";
    if (reuses) refuseFitOptions(given, values.model!);
    const inputs = [
      path!,
      values.items,
      reuses ? values.model : undefined,
      ...trainingInputs(values),
    ];
    await checkOutputs(
      [
        { option: "model", path: reuses ? undefined : values.model },
        { option: "out", path: values.out },
        { option: "report", path: values.report },
        ...trainingOutputs(values),
      ].filter((output): output is { option: string; path: string } => output.path !== undefined),
      inputs.filter((input) => input !== undefined),
    );
    const training = await openTraining(values, context);

    await withVectorFile(
      path!,
      values,
      context,
      async (file) => {
        const vectors = await loadVectors(path!, file, context);
        // Names are checked before the work where the number of rows is known, so that no fit is in vain.
        const known =
          vectors.count === undefined
            ? undefined
            : await readCatalogue(values, source, vectors.count, vectors, context);
        const held = reuses ? await loadModel(values.model!, context) : undefined;
        const size = { ...values, rows: vectors.count, dimension: vectors.cols };
        const fitAndEncode = async (backend: CompleteBackend) => {
          const fitted = await timed(
            async () =>
              held ??
              (await knownQuantizers(training.options).fit(
                spec,
                vectors.rows,
                fitOptions(values, backend, context),
              )),
          );
          const evaluation = await evaluate(fitted.value, vectors.rows, {
            backend,
            beam: values.beam,
            signal: context.signal,
            onProgress: context.progress.update,
          });
          return { model: fitted.value, seconds: fitted.seconds, evaluation, info: backend.info };
        };
        const work = await withBackend(values, fitAndEncode, {
          work: held ? workOfEncoding(held.spec, size) : workOfFit(spec, size),
          context,
        });
        const { model, evaluation } = work;
        const catalogue =
          known ?? (await readCatalogue(values, source, evaluation.rows, vectors, context));
        const semanticIds = assignSemanticIds(evaluation.codes, { collisions: values.collisions });
        const { groups } = catalogue;
        const result = {
          source,
          spec: reuses ? printSpec(model.spec) : name,
          model,
          evaluation,
          analysis: analyseCodes(evaluation.codes),
          ids: semanticIds,
          tree: new PrefixTree(evaluation.codes),
          catalogue,
          purity: groups && prefixPurity(evaluation.codes, groups.values),
          seconds: reuses ? undefined : work.seconds,
          backend: work.info,
          training: training.record(),
        };

        // Everything is computed before anything is written.
        const contents: (readonly [path: string, bytes: Uint8Array])[] = [];
        if (values.model !== undefined && !reuses) contents.push([values.model, model.save()]);
        if (values.out !== undefined) {
          const format = values.format ?? formatOf(values.out);
          contents.push([
            values.out,
            isParquet(values.out)
              ? await idsToParquet(catalogue.ids, semanticIds)
              : idsFile(format, catalogue.ids, semanticIds, result.spec),
          ]);
        }
        if (values.report !== undefined) {
          const page = await reportOf(result, vectors.rows, values.seed ?? 0, context);
          contents.push([values.report, new TextEncoder().encode(page)]);
        }
        // From here on it is too late to stop: the files belong together, and writing them takes a moment.
        throwIfAborted(context.signal);
        for (const [target, bytes] of contents) await writeFileAtomic(target, bytes);
        await training.finish();

        context.json({
          spec: result.spec,
          dimension: model.dimension,
          ...evaluationJson(evaluation, result.analysis),
          ...(result.purity === undefined
            ? {}
            : { purity: result.purity.levels.map(({ sharedPurity }) => sharedPurity) }),
          seconds: roundSeconds(work.seconds),
          ids: values.out ?? null,
          model: values.model ?? null,
          report: values.report ?? null,
        });
        printIdsSummary(result, context, {
          depth: values["tree-depth"],
          children: values["tree-width"],
          unicode: !values.ascii,
        });
        if (contents.length > 0) {
          context.note("");
          context.note(`wrote ${contents.map(([target]) => target).join(", ")}`);
        }
      },
      { items: values.items === undefined },
    );
  },
});

/** A model that is used as it is cannot be fitted another way: whoever asks for both would get neither. */
function refuseFitOptions(given: ReadonlySet<string>, model: string): void {
  const fitting = Object.keys({ ...FIT_OPTIONS, ...TRAINING_OPTIONS });
  const useless = fitting.find((option) => given.has(option));
  if (useless === undefined) return;
  throw new UsageError(
    `--${useless} is about fitting, and ${model} exists and is used as it is`,
    "give --spec to fit anew and replace it, or leave the option out",
  );
}

function formatOf(path: string): "tessera" | "index" {
  return path.endsWith(".index.json") || fileName(path) === "index.json" ? "index" : "tessera";
}

function idsFile(
  format: "tessera" | "index",
  items: readonly string[],
  semanticIds: SemanticIds,
  spec: string,
): Uint8Array {
  const json =
    format === "index"
      ? indexToJson({ items, ids: semanticIds })
      : idsToJson({ items, ids: semanticIds, spec });
  return new TextEncoder().encode(json);
}
