import type { CodeAnalysis, PrefixPurity, PrefixTree, SemanticIds } from "@tessera/semantic-ids";
import type { PlaneMap } from "@tessera/transforms";

/** Everything that the report shows. */
export interface ReportData {
  /** The input's name. */
  readonly source: string;
  readonly spec: string;
  readonly dimension: number;
  /** Bits of one row's codes, packed. */
  readonly bits: number;
  readonly distortion: DistortionFigures;
  readonly analysis: CodeAnalysis;
  readonly ids: SemanticIds;
  readonly tree: PrefixTree;
  /** What to call a row. */
  readonly label: (row: number) => string;
  /** Known kinds of the items, and how well prefixes agree with them. */
  readonly groups?: GroupFigures | undefined;
  readonly map: MapFigures;
  /** The command line that made the report, and facts about where it ran. */
  readonly command: string;
  readonly facts: readonly (readonly [string, string])[];
}

export interface DistortionFigures {
  readonly distortion: number;
  readonly distortionPerLevel: readonly number[];
  readonly totalVariance: number;
  readonly relativeDistortion: number;
}

export interface GroupFigures {
  readonly field: string;
  /** `[rows]` */
  readonly values: readonly string[];
  readonly purity: PrefixPurity;
}

export interface MapFigures extends Pick<PlaneMap, "points" | "explained"> {
  /** Which rows the points are. */
  readonly rows: Uint32Array;
}
