import type { FitOptions, Rows, Spec, VqSpec } from "@tessera/core";
import { fitKmeansGroups } from "@tessera/kmeans";
import { PqModel } from "./pq-model.js";

/** What {@link fitCodebooks} takes beyond the options that all parts share. `beam` has no meaning without levels. */
export interface PqTraining extends FitOptions {
  /** How the codebooks start. Default `k-means++`. */
  readonly init?: "k-means++" | "random" | undefined;
}

/** More rows than this for each codeword hardly better the codebooks. */
const SAMPLE_ROWS_PER_CODEWORD = 256;

/** Whether groups of this spec are codebooks under L2, which are learned and searched together. */
export function isPlainVq(spec: Spec): spec is VqSpec {
  return spec.kind === "vq" && spec.metric === undefined;
}

/** Learns the codebooks of all groups together. */
export async function fitCodebooks(
  groups: number,
  codebookSize: number,
  rows: Rows,
  options: PqTraining,
): Promise<PqModel> {
  const { backend, seed, iterations, restarts, tolerance, init, signal, onProgress } = options;
  const { sample = SAMPLE_ROWS_PER_CODEWORD * codebookSize } = options;
  const fitted = await fitKmeansGroups(rows, {
    groups,
    codebookSize,
    backend,
    seed,
    iterations,
    restarts,
    tolerance,
    init,
    sample: sample === Infinity ? undefined : sample,
    signal,
    onProgress,
  });
  return new PqModel(
    fitted.groups.map(({ codebook }) => codebook),
    {
      distortion: fitted.distortion,
      iterations: Math.max(...fitted.groups.map((group) => group.iterations)),
    },
  );
}
