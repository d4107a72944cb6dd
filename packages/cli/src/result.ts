import type { BackendInfo, Evaluation, Model } from "@tessera/core";
import type { CodeAnalysis, PrefixPurity, PrefixTree, SemanticIds } from "@tessera/semantic-ids";
import type { Catalogue } from "./items.js";
import type { RunRecord } from "./training-report/record.js";

/** What `tessera ids` found out, for the terminal and for the report. */
export interface IdsResult {
  /** Name of the input. */
  readonly source: string;
  readonly spec: string;
  readonly model: Model;
  readonly evaluation: Evaluation;
  readonly analysis: CodeAnalysis;
  readonly ids: SemanticIds;
  /** Of the quantizer's codes, without the suffix. */
  readonly tree: PrefixTree;
  readonly catalogue: Catalogue;
  /** Where kinds of items are known. */
  readonly purity: PrefixPurity | undefined;
  /** What fitting took; `undefined` for a model that existed. */
  readonly seconds: number | undefined;
  readonly backend: BackendInfo;
  /** How an autoencoder was trained, if one was. */
  readonly training: RunRecord | undefined;
}
