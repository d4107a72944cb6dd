import { TesseraError } from "@tessera/core";
import { recommend as tryCandidates } from "@tessera/search/recommend";
import { defineCommand } from "../args/command.js";
import { choice, integer, seconds, share } from "../args/options.js";
import { UsageError } from "../args/usage-error.js";
import { withBackend } from "../context.js";
import { knownQuantizers } from "../quantizers.js";
import { INPUT_OPTIONS, loadVectors, withVectorFile } from "../vectors.js";
import { reportRecommendation, shortfall } from "./recommend-report.js";
import { BACKEND_OPTIONS, OUTPUT_OPTIONS, timed } from "./shared.js";

export const recommend = defineCommand({
  name: "recommend",
  arguments: "<vectors> --bytes N | --recall R [options]",
  summary: "find out which quantizer to search vectors with",
  description:
    "Holds some vectors out, fits quantizers that are sensible for the others, searches their codes for those held out, and compares what is found with exact search. Shows bytes, recall, distortion and speed of each, and recommends the one that finds most within --bytes, or the smallest that finds --recall.",
  positionals: [{ name: "<vectors>", help: "file of vectors to be searched" }],
  options: {
    bytes: integer({ least: 1, help: "the most bytes that a vector may take in the index" }),
    recall: share({ help: "the least share of the k nearest that must be found, such as 0.9" }),
    k: integer({
      least: 1,
      most: 4096,
      help: "neighbours whose recall counts",
      defaultText: "10",
    }),
    metric: choice(["l2", "ip", "cosine"], { help: "what is nearest", defaultText: "l2" }),
    rescore: integer({
      least: 1,
      help: "judge by what is found when so many times k candidates are looked at again, by the vectors themselves",
    }),
    budget: seconds({
      help: "try no more after this time, such as 90s or 5min",
      defaultText: "60s",
    }),
    sample: integer({
      least: 1,
      help: "search at most this many vectors, drawn at random",
      defaultText: "100000, or 256 MiB of them",
    }),
    seed: integer({ least: 0, help: "same seed, same figures but for speed", defaultText: "0" }),
    ...INPUT_OPTIONS,
    ...BACKEND_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera recommend vectors.npy --bytes 16",
    "tessera recommend vectors.npy --recall 0.95 --metric cosine --budget 5min",
    "tessera recommend vectors.npy --bytes 32 --rescore 10",
  ],
  async run({ positionals: [path], values }, context) {
    if (values.bytes === undefined && values.recall === undefined) {
      throw new UsageError(
        "recommend needs --bytes or --recall",
        "try --bytes 16, or --recall 0.9 for the smallest codes that find as much",
      );
    }
    const { value: result, seconds: took } = await timed(() =>
      withVectorFile(path!, values, context, async (file) => {
        const { rows } = await loadVectors(path!, file, context);
        return withBackend(values, (backend) =>
          tryCandidates(rows, knownQuantizers(), {
            ...values,
            backend,
            signal: context.signal,
            onProgress: context.progress.update,
          }),
        );
      }),
    );
    reportRecommendation(result, { ...values, path: path! }, took, context);
    // What was found out is shown all the same.
    if (!result.chosen) throw new TesseraError("unreachable", ...shortfall(result));
  },
});
