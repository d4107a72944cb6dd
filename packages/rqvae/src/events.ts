import type { Collapse } from "./collapse.js";
import type { Health } from "./health.js";
import type { TrainingSettings } from "./settings.js";

/** What a run is of. */
export interface RunFacts {
  /** As it is written, such as `ae(512,64)>vq256`. */
  readonly spec: string;
  readonly settings: TrainingSettings;
  /** All rows, those held out too. */
  readonly rows: number;
  readonly dimension: number;
  /** Whether rows are read from a stream. */
  readonly streamed: boolean;
  /** Rows that reviews look at: those trained on, or of a stream a sample of them. */
  readonly reviewed: number;
  /** Values that are learned. */
  readonly parameters: number;
}

/** What happens in a run, as it happens. */
export type TrainingEvent =
  | ({ readonly kind: "start" } & RunFacts)
  | {
      readonly kind: "step";
      /** Steps taken. */
      readonly step: number;
      /** Of the step's batch, as weighted in the loss. */
      readonly reconstruction: number;
      /** Mean over rows of the squared distances to the codewords, all levels together; 0 before codebooks start. */
      readonly quantization: number;
      readonly learningRate: number;
    }
  | ({
      readonly kind: "review";
      readonly step: number;
      /** Dead codewords that were replaced. */
      readonly revived: number;
      /** Of held-out rows, where there are any. */
      readonly heldOut: Health | undefined;
    } & Health)
  /** The run goes on from a checkpoint of so many steps. */
  | { readonly kind: "resume"; readonly step: number }
  | ({ readonly kind: "collapse"; readonly step: number } & Collapse);
