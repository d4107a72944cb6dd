import type { CompleteBackend, Model, Tensor } from "@tessera/core";
import { VqModel } from "@tessera/vq";

/** What a search leaves on the device for each level: codes and distances, `[n, 1]`. */
export interface LevelCodes {
  readonly codes: readonly Tensor<"int32">[];
  /** ‖x − c₁ − … − c_l‖²; of levels by inner product, −r·c. */
  readonly distances: readonly Tensor<"float32">[];
}

/** Codes of batches on one backend, without a wait for the host between levels. */
export interface LevelSearch {
  /** `[1, K, d]` of each level. */
  readonly codebooks: readonly Tensor<"float32">[];
  /** The most float32 values per row that a search keeps on the device. */
  readonly valuesPerRow: number;
  /** @param x `[n, d]` */
  search(x: Tensor<"float32">): LevelCodes;
  dispose(): void;
}

/** Whether every level has one codebook, so that residuals can stay on the device. */
export function allVq(levels: readonly Model[]): levels is readonly VqModel[] {
  return levels.every((level) => level instanceof VqModel);
}

/** Whether every level takes the codeword at the least squared distance, as a beam search needs. */
export function allPlain(levels: readonly Model[]): levels is readonly VqModel[] {
  return allVq(levels) && levels.every(({ spec }) => spec.metric === undefined);
}

/** Uploads the codebooks of all levels, `[1, K, d]` each. */
export function uploadCodebooks(
  backend: CompleteBackend,
  levels: readonly VqModel[],
): Tensor<"float32">[] {
  return backend.scope(() =>
    levels.map(({ codebook: { data, rows, cols } }) => backend.tensor(data, [1, rows, cols])),
  );
}

/**
 * The search that the backend can do by itself: greedily level by level, as `assign` is fast, or with a beam by its
 * kernel.
 *
 * @returns `undefined` for a beam on a backend without the kernel: the host must choose candidates then
 */
export function openSearch(
  backend: CompleteBackend,
  levels: readonly VqModel[],
  beam: number,
): LevelSearch | undefined {
  const whole = beam > 1;
  if (whole && !backend.beamSearch) return undefined;
  const codebooks = uploadCodebooks(backend, levels);
  const dimension = levels[0]!.dimension;
  return {
    codebooks,
    // By steps: the rows, and the residuals before and after a level.
    valuesPerRow: whole ? dimension + 2 * levels.length : 3 * dimension,
    search: (x) =>
      backend.scope(() =>
        whole
          ? searchWhole(backend, x, codebooks, beam)
          : searchBySteps(backend, x, codebooks, levels),
      ),
    dispose: () => codebooks.forEach((codebook) => codebook.dispose()),
  };
}

function searchWhole(
  backend: CompleteBackend,
  x: Tensor<"float32">,
  codebooks: readonly Tensor<"float32">[],
  beam: number,
): LevelCodes {
  const { codes, distances } = backend.beamSearch!(x, codebooks, beam);
  const rows = x.shape[0]!;
  const columns = <D extends "int32" | "float32">(all: Tensor<D>): Tensor<D>[] =>
    codebooks.map((_, l) => backend.reshape(backend.slice(all, l, l + 1), [rows, 1]));
  return { codes: columns(codes), distances: columns(distances) };
}

/** Each level takes its nearest codeword. */
function searchBySteps(
  backend: CompleteBackend,
  x: Tensor<"float32">,
  codebooks: readonly Tensor<"float32">[],
  levels: readonly VqModel[],
): LevelCodes {
  let left = x;
  const found = levels.map(({ spec }, l) => {
    const assigned = backend.assign(left, codebooks[l]!, {
      metric: spec.metric === undefined ? "l2" : "ip",
    });
    if (l + 1 < levels.length) {
      const next = backend.residual(left, codebooks[l]!, assigned.codes);
      if (left !== x) left.dispose();
      left = next;
    }
    return assigned;
  });
  return {
    codes: found.map(({ codes }) => codes),
    distances: found.map(({ distances }) => distances),
  };
}

/** What the codes leave over, `[n, d]`. The codes are disposed. */
export function leftover(
  backend: CompleteBackend,
  x: Tensor<"float32">,
  { codebooks, search }: LevelSearch,
): Tensor<"float32"> {
  return backend.scope(() =>
    search(x).codes.reduce((left, codes, l) => {
      const next = backend.residual(left, codebooks[l]!, codes);
      if (left !== x) left.dispose();
      return next;
    }, x),
  );
}
