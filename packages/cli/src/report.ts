import type { Rows } from "@tessera/core";
import { bitsPerRow } from "./commands/shared.js";
import type { Context } from "./context.js";
import { mapToPlane } from "@tessera/transforms";
import { renderReport } from "./report/page.js";
import type { IdsResult } from "./result.js";
import { duration } from "./text.js";
import { spreadSample } from "./vectors.js";
import { version } from "./version.js";

/** Points on the map: more would hide one another, and make the file slow to open. */
const MAP_POINTS = 4000;
/** Values that the principal components are found from: keeps the map to a second or so. */
const MAP_VALUES = 2 ** 22;

/** Labels longer than this are cut: each is in the file several times. */
const LONGEST_LABEL = 80;

/** The HTML report of what was found. */
export async function reportOf(
  result: IdsResult,
  rows: Rows,
  seed: number,
  context: Context,
): Promise<string> {
  const { evaluation, model, catalogue, purity, backend } = result;
  context.progress.update({ task: "map", done: 0, total: undefined });
  const most = Math.max(100, Math.min(MAP_POINTS, Math.floor(MAP_VALUES / model.dimension)));
  const { sample, numbers } = await spreadSample(rows, evaluation.rows, most);
  const map = await mapToPlane(sample, context.signal);
  return renderReport({
    source: result.source,
    spec: result.spec,
    dimension: model.dimension,
    bits: bitsPerRow(model.cardinalities),
    distortion: evaluation,
    analysis: result.analysis,
    ids: result.ids,
    tree: result.tree,
    label: (row) => shorten(catalogue.label(row)),
    groups:
      catalogue.groups === undefined || purity === undefined
        ? undefined
        : { ...catalogue.groups, purity },
    map: { ...map, rows: numbers },
    command: context.commandLine,
    facts: [
      ["tessera", await version()],
      ["backend", `${backend.name}, ${backend.device}`],
      ...(result.seconds === undefined
        ? []
        : [["seed", String(seed)] as const, ["fitted in", duration(result.seconds)] as const]),
    ],
  });
}

function shorten(label: string): string {
  const characters = [...label];
  return characters.length <= LONGEST_LABEL
    ? label
    : `${characters
        .slice(0, LONGEST_LABEL - 1)
        .join("")
        .trimEnd()}…`;
}
