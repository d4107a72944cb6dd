import { FAULT, faultError, type FaultKind } from "@tessera/core/authoring";
import type { GpuTensor } from "./tensor.js";

export { FAULT, faultError };

/** What a position that a kernel reported in one of its slots means. */
export interface FaultSource {
  readonly kind: FaultKind;
  /** Positions to a row. */
  readonly columns?: number;
  /** What the value should have been below. */
  readonly limit?: number;
  /** The values that positions count in. */
  readonly values?: GpuTensor<"int32">;
}
