import { defineCommand } from "../args/command.js";
import { choice, integer, text } from "../args/options.js";
import { withBackend } from "../context.js";
import { checkOutputs } from "../outputs.js";
import { INPUT_OPTIONS } from "../vectors.js";
import { INDEX_OPTIONS } from "./build-index.js";
import { readLabels } from "./search-labels.js";
import { readQueries } from "./search-queries.js";
import { reportNeighbours, writeNeighbours } from "./search-report.js";
import { openTarget } from "./search-target.js";
import { BACKEND_OPTIONS, FIT_OPTIONS, OUTPUT_OPTIONS, timed } from "./shared.js";

export const search = defineCommand({
  name: "search",
  arguments: "<index or vectors> [queries] [options]",
  summary: "find the nearest vectors",
  description:
    "Finds the nearest vectors to each query: in an index, as written by tessera index, which is read as it is searched; or in a file of vectors, exactly, or with --spec by their codes. Queries are a file of vectors, or a row of the vectors that are searched.",
  positionals: [
    { name: "<index or vectors>", help: "what to search" },
    { name: "[queries]", help: "file of vectors to search for", optional: true },
  ],
  options: {
    row: integer({ least: 0, help: "search for this row of the vectors" }),
    query: text("NAME", { help: "search for the row that --labels gives this name" }),
    labels: text("FILE", {
      help: "names of the vectors: a line of text each, or a .jsonl file with an object each",
    }),
    k: integer({ least: 1, most: 4096, help: "neighbours of each query", defaultText: "10" }),
    metric: choice(["l2", "ip", "cosine"], { help: "what is nearest", defaultText: "l2" }),
    nprobe: integer({
      least: 1,
      help: "lists to visit, where the index has lists",
      defaultText: "the square root of their number",
    }),
    rescore: integer({
      least: 1,
      help: "look at so many times k candidates again, by the vectors themselves",
    }),
    vectors: text("FILE", { help: "the vectors of an index, for --rescore, --row and --query" }),
    out: text("FILE", { help: "where to write the neighbours: .json, or .npy with ids alone" }),
    ...INDEX_OPTIONS,
    ...FIT_OPTIONS,
    ...INPUT_OPTIONS,
    ...BACKEND_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    "tessera search vectors.npy --row 5",
    "tessera search vectors.npy --labels words.txt --query house --metric cosine --spec pq16x256",
    "tessera search x.index.safetensors queries.npy --k 100 --out neighbours.json",
    "tessera search x.index.safetensors queries.npy --rescore 4 --vectors vectors.npy",
  ],
  async run({ positionals: [path, queryPath], values, given }, context) {
    const inputs = [path, queryPath, values.vectors, values.labels, values.model];
    const planned = values.out === undefined ? [] : [{ option: "out", path: values.out }];
    await checkOutputs(
      planned,
      inputs.filter((input) => input !== undefined),
    );
    await withBackend(values, async (backend) => {
      const target = await openTarget(path!, values, given, backend, context);
      try {
        const labels = await readLabels(values.labels, target.size, path!, context);
        const queries = await readQueries(queryPath, values, target, labels, context);
        const { value: found, seconds } = await timed(() =>
          target.search(queries.rows, {
            k: values.k,
            metric: values.metric,
            nprobe: values.nprobe,
            rescore: values.rescore,
            backend,
            signal: context.signal,
          }),
        );
        await writeNeighbours(values.out, found, context);
        reportNeighbours(found, { path: path!, seconds, queries, labels, target }, context);
      } finally {
        await target.close();
      }
    });
  },
});
