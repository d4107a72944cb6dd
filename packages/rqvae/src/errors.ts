import { TesseraError } from "@tessera/core";

/** Training did not come to a usable model. */
export class TrainingError extends TesseraError {
  /** Steps taken by then. */
  readonly step: number;
  readonly reason: "collapsed" | "diverged";

  constructor(
    reason: "collapsed" | "diverged",
    step: number,
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super("training", `after ${step} steps: ${message}`, options);
    this.step = step;
    this.reason = reason;
  }
}
