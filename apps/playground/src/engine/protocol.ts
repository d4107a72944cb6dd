import type { Matrix } from "@tessera/core";
import type { BackendChoice, Speed } from "../state/settings.js";
import type { Layout } from "./umap.js";

/** What a run is of. */
export interface RunOptions {
  readonly rows: Matrix;
  readonly spec: string;
  readonly seed: number;
  readonly iterations: number;
  readonly backend: BackendChoice;
  readonly speed: Speed;
  /** The codebook to look at. */
  readonly level: number;
  /** Of an autoencoder. */
  readonly training: Readonly<Record<string, number>>;
}

/** From the page to the worker. `run` tells which run is meant: answers of an older one are dropped. */
export type Request =
  | {
      readonly kind: "start";
      readonly run: number;
      readonly options: RunOptions;
      readonly paused: boolean;
    }
  | { readonly kind: "pause" | "resume" | "step" | "stop"; readonly run: number }
  | { readonly kind: "view"; readonly run: number; readonly term: number }
  | {
      readonly kind: "decode";
      readonly run: number;
      readonly columns: number;
      readonly row: number;
    }
  | { readonly kind: "neighbours"; readonly run: number; readonly row: number }
  /** Lays rows out on a plane. It has a worker of its own, so that it can be ended at any time. */
  | { readonly kind: "layOut"; readonly run: number; readonly rows: Matrix };

/** From the worker to the page. */
export type Reply = Answer & { readonly run: number };

export type Answer =
  | { readonly kind: "backend"; readonly backend: BackendFacts }
  | { readonly kind: "progress"; readonly progress: ProgressFacts }
  | { readonly kind: "view"; readonly view: View }
  | { readonly kind: "health"; readonly health: HealthFacts }
  | { readonly kind: "paused" }
  | { readonly kind: "done"; readonly result: Result }
  | {
      readonly kind: "decoded";
      readonly row: number;
      readonly columns: number;
      readonly values: Float32Array;
    }
  | {
      readonly kind: "neighbours";
      readonly row: number;
      readonly byVector: Uint32Array;
      readonly byCode: Uint32Array;
    }
  | { readonly kind: "layout"; readonly layout: Layout }
  | { readonly kind: "failed"; readonly failure: Failure };

export interface BackendFacts {
  readonly name: string;
  readonly device: string;
  readonly reason: string | undefined;
}

export interface ProgressFacts {
  readonly task: string;
  readonly done: number;
  readonly total: number | undefined;
  /** What was found since the last message. */
  readonly figures: readonly Figures[];
  /** Milliseconds of work since the run began, without pauses. */
  readonly elapsed: number;
}

/** Figures by name, and when they were found, in milliseconds as above. */
export interface Figures {
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
}

/** A scatter of rows, or of what earlier levels left of them, with the codewords that are to stand for them. */
export interface View {
  /** The term of the model, or the place of the codebook that is being learned. */
  readonly title: string;
  readonly term: number | undefined;
  /** Row of the data for each point. */
  readonly rows: Uint32Array;
  /** `[n, 2]` */
  readonly points: Float32Array;
  /** `[k, 2]` */
  readonly codewords: Float32Array;
  /** Rows of each codeword. */
  readonly counts: Uint32Array;
  /** The codeword of each point. */
  readonly codes: Uint32Array;
  /** The point nearest to each codeword, where the points are whole rows, which other maps of the rows can show. */
  readonly nearest: Uint32Array | undefined;
  /** Whether the plane is the whole space, so that Voronoi cells can be drawn. */
  readonly exact: boolean;
  /** Share of the variance that the two axes show. */
  readonly explained: number;
}

/** What a review of an autoencoder's training found. */
export interface HealthFacts {
  readonly step: number;
  readonly relativeDistortion: number;
  readonly distinct: number;
  readonly levels: readonly {
    readonly usage: number;
    readonly perplexity: number;
    readonly dead: number;
  }[];
}

/** What came of a run. */
export interface Result {
  /** The spec in its canonical form. */
  readonly spec: string;
  readonly rows: number;
  readonly dimension: number;
  /** `[rows, columns]` */
  readonly codes: Uint32Array;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  readonly distortionPerPrefix: readonly number[];
  readonly totalVariance: number;
  /** Number of codebooks that can be looked at. */
  readonly terms: readonly { readonly column: number; readonly codewords: number }[];
  readonly model: Uint8Array;
  readonly elapsed: number;
}

export interface Failure {
  readonly message: string;
  readonly hint: string | undefined;
}
