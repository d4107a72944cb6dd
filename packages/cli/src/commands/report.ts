import { readBytes, writeFileAtomic } from "@tessera/io/node";
import { defineCommand } from "../args/command.js";
import { requiredText } from "../args/options.js";
import { checkOutputs } from "../outputs.js";
import { duration, grouped, percent } from "../text.js";
import { renderTrainingReport } from "../training-report/page.js";
import { parseLog, recordOf } from "../training-report/record.js";
import { OUTPUT_OPTIONS, roundSeconds, withFileName } from "./shared.js";

export const report = defineCommand({
  name: "report",
  arguments: "<log> --out run.html",
  summary: "show how a training run went",
  description:
    "Makes an HTML report of what --log wrote while rqvae… was trained: losses, distortion, the use of the codebooks, settings. The run may still go on, or have failed.",
  positionals: [{ name: "<log>", help: "file that --log wrote" }],
  options: { out: requiredText("FILE", "where to write the report"), ...OUTPUT_OPTIONS },
  examples: ["tessera report run.jsonl --out run.html"],
  async run({ positionals: [path], values }, context) {
    await checkOutputs([{ option: "out", path: values.out }], [path!]);
    const bytes = await readBytes(path!, { signal: context.signal });
    const record = withFileName(path!, () => recordOf(parseLog(new TextDecoder().decode(bytes))));
    const page = new TextEncoder().encode(renderTrainingReport(record));
    await writeFileAtomic(values.out, page, { signal: context.signal });
    const { facts, taken, reviews, seconds } = record;
    const last = reviews.at(-1);
    context.json({
      spec: facts.spec,
      steps: taken,
      seconds: roundSeconds(seconds),
      relativeDistortion: last?.relativeDistortion ?? null,
      distinct: last?.distinct ?? null,
      report: values.out,
    });
    const figures = last
      ? `: distortion ${percent(last.relativeDistortion)} of the variance, ${percent(last.distinct)} distinct`
      : "";
    context.print(
      `${context.paint(facts.spec, "bold")} after ${grouped(taken)} steps in ${duration(seconds)}${figures}`,
    );
    context.note(`wrote ${values.out}`);
  },
});
