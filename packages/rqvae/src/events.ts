import type { Collapse } from "./collapse.js";
import type { Health } from "./health.js";

/** What happens in a run, as it happens. */
export type TrainingEvent =
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
