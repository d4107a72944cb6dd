import type { Context } from "../context.js";
import type { IdsResult } from "../result.js";
import { collisionLine, levelTable } from "../summary.js";
import { duration, grouped, percent, plural, wrap } from "../text.js";
import { treeView } from "../tree-view.js";
import { bitsPerRow } from "./shared.js";

/** The findings as a person reads them: what was built, what each level adds, collisions, and the tree. */
export function printIdsSummary(
  result: IdsResult,
  context: Context,
  tree: {
    readonly depth: number | undefined;
    readonly children: number | undefined;
    readonly unicode: boolean;
  },
): void {
  const { analysis, catalogue, evaluation, ids, model, purity } = result;
  const { paint, print, width } = context;
  const say = (text: string) => {
    for (const line of wrap(text, width, "", "  ")) print(line);
  };
  print(
    `${paint(result.source, "bold")}  ${grouped(evaluation.rows)} × ${grouped(model.dimension)}  ${paint(result.spec, "accent")}  ${bitsPerRow(model.cardinalities)} bits an item`,
  );
  if (result.seconds !== undefined) {
    print(paint(`fitted in ${duration(result.seconds)} on ${result.backend.device}`, "dim"));
  }
  print();
  for (const line of levelTable(evaluation, analysis, model.prefixes, purity, paint)) print(line);
  print();
  say(`collisions  ${collisionLine(analysis)}${remedy(result)}`);
  if (purity !== undefined && catalogue.groups !== undefined) {
    say(
      `purity      share of items under a prefix that are of its most frequent ${catalogue.groups.field}; ${percent(purity.baseline)} without codes`,
    );
  }
  if (evaluation.rows > 0) {
    const row = Math.floor(evaluation.rows / 2);
    say(`for example ${ids.tokens(row).join("")}  ${catalogue.label(row)}`);
  }
  print();
  print(
    paint(
      `${plural(evaluation.rows, "item")}, ${plural(analysis.distinct, "distinct code")}`,
      "dim",
    ),
  );
  const lines = treeView(result.tree, {
    label: catalogue.label,
    kinds: catalogue.groups?.values,
    depth: Math.min(tree.depth ?? 2, result.tree.levels),
    branches: [Math.max(16, tree.children ?? 0), tree.children ?? 3],
    width,
    unicode: tree.unicode,
    paint,
  });
  for (const line of lines) print(line);
}

function remedy({ analysis, ids }: IdsResult): string {
  if (ids.collisions === "keep") return analysis.collidingRows === 0 ? "" : "; IDs are not unique";
  if (analysis.collidingRows === 0 && ids.collisions === "rank-on-collision") return "";
  return ids.collisions === "rank"
    ? `; a last code, 0 to ${ids.suffixCardinality - 1}, makes IDs unique`
    : `; those get a last code, 0 to ${ids.suffixCardinality - 1}`;
}
