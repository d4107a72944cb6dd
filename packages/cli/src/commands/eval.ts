import { evaluate, printSpec } from "@tessera/core";
import { analyseCodes } from "@tessera/semantic-ids";
import { requiredText } from "../args/options.js";
import { defineCommand } from "../args/command.js";
import { withBackend } from "../context.js";
import { collisionLine, evaluationJson, levelTable } from "../summary.js";
import { duration, figure, grouped, percent, wrap } from "../text.js";
import { INPUT_OPTIONS, withVectorFile } from "../vectors.js";
import { workOfEncoding } from "../work.js";
import {
  BACKEND_OPTIONS,
  BEAM_OPTION,
  fileName,
  loadModel,
  OUTPUT_OPTIONS,
  roundSeconds,
  timed,
} from "./shared.js";

export const evaluateCommand = defineCommand({
  name: "eval",
  arguments: "<vectors> --model m.safetensors [options]",
  summary: "measure how well a model fits vectors",
  description:
    "Encodes and decodes vectors and reports what is lost (distortion: mean over rows of the squared L2 error), how evenly each level uses its codes, and how many rows share all their codes.",
  positionals: [{ name: "<vectors>", help: "file of vectors to judge the model on" }],
  options: {
    model: requiredText("FILE", "the model, as written by tessera fit"),
    ...BEAM_OPTION,
    ...INPUT_OPTIONS,
    ...BACKEND_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera eval held-out.npy --model model.safetensors",
    "tessera eval held-out.npy --model model.safetensors --json",
  ],
  async run({ positionals: [path], values }, context) {
    const model = await loadModel(values.model, context);
    const { value: evaluation, seconds } = await timed(() =>
      withVectorFile(path!, values, context, (file) => {
        const size = { rows: file.rows, dimension: file.cols, beam: values.beam };
        return withBackend(
          values,
          (backend) =>
            evaluate(model, file, {
              backend,
              beam: values.beam,
              signal: context.signal,
              onProgress: context.progress.update,
            }),
          { work: workOfEncoding(model.spec, size), context },
        );
      }),
    );
    const analysis = analyseCodes(evaluation.codes);
    const name = printSpec(model.spec);
    context.json({
      spec: name,
      dimension: model.dimension,
      ...evaluationJson(evaluation, analysis),
      seconds: roundSeconds(seconds),
    });
    const { paint } = context;
    context.print(
      `${paint(name, "bold")} on ${fileName(path!)}: ${grouped(evaluation.rows)} × ${grouped(model.dimension)}, in ${duration(seconds)}`,
    );
    context.print();
    for (const line of levelTable(evaluation, analysis, model.prefixes, undefined, paint)) {
      context.print(line);
    }
    context.print();
    context.print(
      `distortion ${paint(figure(evaluation.distortion), "bold")}, ${percent(evaluation.relativeDistortion)} of the variance`,
    );
    for (const line of wrap(`collisions ${collisionLine(analysis)}`, context.width)) {
      context.print(line);
    }
  },
});
