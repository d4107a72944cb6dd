import type { Evaluation } from "@tessera/core";
import type { CodeAnalysis, PrefixPurity } from "@tessera/semantic-ids";
import type { Paint } from "./terminal.js";
import { figure, grouped, percent, plural, table } from "./text.js";

/** The figures of `--json`, under the same names wherever codes are judged. */
export function evaluationJson(evaluation: Evaluation, analysis: CodeAnalysis) {
  return {
    rows: evaluation.rows,
    distortion: evaluation.distortion,
    distortionPerLevel: evaluation.distortionPerLevel,
    totalVariance: evaluation.totalVariance,
    relativeDistortion: evaluation.relativeDistortion,
    collisionRate: analysis.collisionRate,
    largestGroup: analysis.largestGroup,
    distinctCodes: analysis.distinct,
    usedCodes: analysis.levels.map(({ usedCodes }) => usedCodes),
    perplexity: analysis.levels.map(({ perplexity }) => perplexity),
  };
}

/** What each level adds, as an aligned table: distortion, code usage and, where kinds are known, purity. */
export function levelTable(
  evaluation: Evaluation,
  analysis: CodeAnalysis,
  prefixes: readonly number[],
  purity: PrefixPurity | undefined,
  paint: Paint,
): string[] {
  const { totalVariance, distortionPerLevel } = evaluation;
  const share = (value: number) => (totalVariance === 0 ? "" : percent(value / totalVariance));
  const head = ["", "distortion", "left", "codes used", "perplexity"];
  const none = ["no code", figure(totalVariance), share(totalVariance), "", ""];
  const rows = analysis.levels.map((level, column) => {
    // A prefix decodes after some of the columns only; the others have usage but no distortion.
    const decoded = distortionPerLevel[prefixes.indexOf(column + 1)];
    return [
      `level ${column + 1}`,
      decoded === undefined ? "" : figure(decoded),
      decoded === undefined ? "" : share(decoded),
      `${grouped(level.usedCodes)} of ${grouped(level.cardinality)}`,
      figure(level.perplexity),
      ...(purity === undefined ? [] : [percent(purity.levels[column]!.sharedPurity)]),
    ];
  });
  if (purity !== undefined) {
    head.push("purity");
    none.push(percent(purity.baseline));
  }
  const [first, ...rest] = table([head, none, ...rows], [0]);
  return [paint(first!, "dim"), ...rest];
}

/** Collisions in one sentence. */
export function collisionLine(analysis: CodeAnalysis): string {
  if (analysis.collidingRows === 0) return "no two rows share all their codes";
  return `${percent(analysis.collisionRate)}: ${plural(analysis.collidingRows, "row")} of ${grouped(
    analysis.rows,
  )} share all codes with another, at most ${grouped(analysis.largestGroup)} of them`;
}
