import type { BackendInfo } from "@tessera/core";

export interface TensorflowInfo extends BackendInfo {
  /** Version of the TensorFlow library. */
  readonly tensorflow: string;
  /** Which package it was loaded from. */
  readonly module: string;
  /** Bytes that a kernel may use for what lies between its input and its result. */
  readonly workspaceBytes: number;
}
