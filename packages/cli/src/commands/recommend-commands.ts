import type { Recommendation, Trial } from "@tessera/search/recommend";
import { quoteForShell } from "../context.js";

/** What of the command line belongs into the commands to go on with. */
export interface Inputs {
  readonly path: string;
  readonly tensor: string | undefined;
  readonly field: string | undefined;
  readonly column: string | undefined;
  readonly seed: number | undefined;
}

const MODEL = "model.safetensors";
const INDEX = "vectors.index.safetensors";

/** What to type to get what was recommended, for all vectors and queries of one's own: the words of each command. */
export function commandsFor(
  { spec, nprobe }: Trial,
  result: Recommendation,
  inputs: Inputs,
): readonly (readonly string[])[] {
  const { k, metric, rescore } = result.settings;
  const { path, seed } = inputs;
  const place = (["tensor", "field", "column"] as const).flatMap((name) =>
    option(name, inputs[name]),
  );
  const from = [path, ...place];
  // Rows were held out to measure, and need not be later.
  const isSampled = result.learned + result.queries < result.total;
  const fit = [
    ...from,
    ...option("spec", spec),
    ...option("sample", isSampled ? result.learned : undefined),
    ...option("seed", seed),
    ...option("out", MODEL),
  ];
  const lists = nprobe === undefined ? [] : ["--lists"];
  const index = [...from, ...option("model", MODEL), ...lists, ...option("out", INDEX)];
  const search = [
    INDEX,
    "queries.npy",
    ...option("k", k === 10 ? undefined : k),
    ...option("metric", metric === "l2" ? undefined : metric),
    ...option("nprobe", nprobe),
    ...option("rescore", rescore),
    ...(rescore === undefined ? [] : [...option("vectors", path), ...place]),
  ];
  return Object.entries({ fit, index, search }).map(([name, words]) =>
    ["tessera", name, ...words].map(quoteForShell),
  );
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`--${name}`, String(value)];
}
