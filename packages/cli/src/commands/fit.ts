import { type CompleteBackend, evaluate, type Model, type Spec } from "@tessera/core";
import { writeFileAtomic } from "@tessera/io/node";
import { requiredText, text } from "../args/options.js";
import { UsageError } from "../args/usage-error.js";
import { defineCommand } from "../args/command.js";
import { withBackend } from "../context.js";
import { checkOutputs } from "../outputs.js";
import { knownQuantizers } from "../quantizers.js";
import { renderTrainingReport } from "../training-report/page.js";
import { openTraining, TRAINING_OPTIONS, trainingInputs, trainingOutputs } from "../training.js";
import { duration, figure, grouped, percent } from "../text.js";
import { INPUT_OPTIONS, loadVectors, withVectorFile } from "../vectors.js";
import { workOfFit } from "../work.js";
import {
  BACKEND_OPTIONS,
  BEAM_OPTION,
  bitsPerRow,
  FIT_OPTIONS,
  fitOptions,
  OUTPUT_OPTIONS,
  readSpec,
  roundSeconds,
  timed,
} from "./shared.js";

export const fit = defineCommand({
  name: "fit",
  arguments: "<vectors> --spec S --out m.safetensors [options]",
  summary: "learn a model from vectors",
  description:
    "Learns a quantizer from vectors and writes it as one .safetensors file, which encode, decode, eval and ids take.",
  positionals: [{ name: "<vectors>", help: "file of vectors to learn from" }],
  options: {
    spec: requiredText("SPEC", "what to build, such as rq3x256 or vq1024"),
    out: requiredText("FILE", "where to write the model"),
    report: text("FILE", { help: "where to write an HTML report of how rqvae… was trained" }),
    ...FIT_OPTIONS,
    ...BEAM_OPTION,
    ...TRAINING_OPTIONS,
    ...INPUT_OPTIONS,
    ...BACKEND_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera fit vectors.npy --spec rq3x256 --out model.safetensors",
    "tessera fit vectors.npy --spec rqvae3x256 --out model.safetensors --checkpoint run.ckpt --resume --report run.html",
    "tessera fit vectors.npy --spec vq4096 --out coarse.safetensors --sample 100000 --seed 7",
  ],
  async run({ positionals: [path], values }, context) {
    const { spec, name } = readSpec(values.spec);
    const { report } = values;
    if (report !== undefined && !isTrained(spec)) {
      throw new UsageError(
        `--report is about the training of rqvae… and ae(…)>…; ${name} is not trained so`,
        "leave it out; ids has a report of any quantizer",
      );
    }
    const outputs = [
      { option: "out", path: values.out },
      ...(report === undefined ? [] : [{ option: "report", path: report }]),
      ...trainingOutputs(values),
    ];
    await checkOutputs(outputs, [path!, ...trainingInputs(values)]);
    const training = await openTraining(values, context);
    const result = await withVectorFile(path!, values, context, async (file) => {
      const { rows, count, cols } = await loadVectors(path!, file, context);
      const work = workOfFit(spec, { ...values, rows: count, dimension: cols });
      const fitAndTry = async (backend: CompleteBackend) => {
        const fitted = await timed(() =>
          knownQuantizers(training.options).fit(spec, rows, fitOptions(values, backend, context)),
        );
        const evaluation = await evaluate(fitted.value, rows, {
          backend,
          signal: context.signal,
          onProgress: context.progress.update,
        });
        return { model: fitted.value, seconds: fitted.seconds, evaluation };
      };
      return withBackend(values, fitAndTry, { work, context });
    });
    const { model, seconds, evaluation } = result;
    const record = training.record();
    const page = report === undefined ? undefined : record && renderTrainingReport(record);
    await writeFileAtomic(values.out, model.save(), { signal: context.signal });
    if (report !== undefined && page !== undefined) {
      await writeFileAtomic(report, new TextEncoder().encode(page));
    }
    await training.finish();

    context.json({
      spec: name,
      dimension: model.dimension,
      rows: evaluation.rows,
      distortion: evaluation.distortion,
      distortionPerLevel: evaluation.distortionPerLevel,
      totalVariance: evaluation.totalVariance,
      relativeDistortion: evaluation.relativeDistortion,
      seconds: roundSeconds(seconds),
      model: values.out,
      ...(report === undefined ? {} : { report }),
    });
    context.print(
      `${context.paint(name, "bold")} fitted to ${grouped(evaluation.rows)} × ${grouped(model.dimension)} in ${duration(seconds)}`,
    );
    context.print(describeModel(model));
    context.print(
      `distortion ${figure(evaluation.distortion)}, ${percent(evaluation.relativeDistortion)} of the variance`,
    );
    context.note(`wrote ${[values.out, ...(report === undefined ? [] : [report])].join(", ")}`);
  },
});

/** Whether an autoencoder is part of it. */
function isTrained(spec: Spec): boolean {
  return spec.kind === "transformed" && (spec.transform.kind === "ae" || isTrained(spec.quantizer));
}

function describeModel(model: Model): string {
  const bits = bitsPerRow(model.cardinalities);
  return `${bits} bits a row instead of ${grouped(model.dimension * 32)}`;
}
