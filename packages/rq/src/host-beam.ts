import { type CompleteBackend, type Tensor, throwIfAborted } from "@tessera/core";
import type { DeviceEncoder, VqModel } from "@tessera/vq";
import { uploadCodebooks } from "./search.js";

/** Partial codes of a batch: `width` candidates per row, row by row. */
interface Candidates {
  readonly width: number;
  /** `[n·width, level]`, the codes so far. */
  readonly codes: Int32Array;
  /** Which candidate of each row is the one that greedy encoding would have. */
  readonly greedy: Int32Array;
}

/**
 * Beam search on a backend without a kernel for it: each level extends every candidate by
 * its nearest codewords, and the host keeps the `beam` best by ‖x − Σ c‖², the error so far; equals by candidate, then by
 * code. At the last level that is the error itself, and the least one wins.
 *
 * The candidate of greedy encoding is always kept, so no row ends up worse than under greedy encoding.
 */
export function openHostBeam(
  backend: CompleteBackend,
  levels: readonly VqModel[],
  beam: number,
  signal: AbortSignal | undefined,
): DeviceEncoder {
  const codebooks = uploadCodebooks(backend, levels);
  return {
    // The residuals of all candidates before and after a level.
    valuesPerRow: (2 * beam + 1) * levels[0]!.dimension,
    async encode(x) {
      const n = x.shape[0]!;
      let candidates: Candidates = {
        width: 1,
        codes: new Int32Array(0),
        greedy: new Int32Array(n),
      };
      let residual = x;
      try {
        for (let l = 0; l < levels.length; l++) {
          throwIfAborted(signal);
          const count = Math.min(beam, levels[l]!.codebook.rows);
          const { codes, distances } = await nearest(backend, residual, codebooks[l]!, count);
          const last = l + 1 === levels.length;
          const chosen = select(candidates, codes, distances, count, l, last ? 1 : beam);
          candidates = chosen.candidates;
          if (last) break;
          const next = residualsOf(backend, residual, codebooks[l]!, chosen);
          if (residual !== x) residual.dispose();
          residual = next;
        }
      } finally {
        if (residual !== x) residual.dispose();
      }
      return candidates.codes;
    },
    dispose: () => codebooks.forEach((codebook) => codebook.dispose()),
  };
}

async function nearest(
  backend: CompleteBackend,
  x: Tensor<"float32">,
  codebook: Tensor<"float32">,
  count: number,
): Promise<{ codes: Int32Array; distances: Float32Array }> {
  const assigned = backend.assignTopK(x, codebook, count);
  const reads = Promise.all([assigned.codes.read(), assigned.distances.read()]);
  assigned.codes.dispose();
  assigned.distances.dispose();
  const [codes, distances] = await reads;
  return { codes, distances };
}

interface Selection {
  readonly candidates: Candidates;
  /** The row of the residuals that each candidate extends. */
  readonly parents: Int32Array;
  /** Its code at this level. */
  readonly added: Int32Array;
}

/**
 * The best `keep` extensions of each row.
 *
 * @param codes `[n·width, count]`, nearest first
 * @param level number of codes that each candidate has so far
 */
function select(
  { width, codes: before, greedy }: Candidates,
  codes: Int32Array,
  distances: Float32Array,
  count: number,
  level: number,
  keep: number,
): Selection {
  const n = greedy.length;
  const extensions = width * count;
  const kept = Math.min(keep, extensions);
  const parents = new Int32Array(n * kept);
  const added = new Int32Array(n * kept);
  const joined = new Int32Array(n * kept * (level + 1));
  const nextGreedy = new Int32Array(n);
  const best = new Int32Array(kept);
  for (let i = 0; i < n; i++) {
    const from = i * extensions;
    const isBefore = (a: number, b: number): boolean => {
      const difference = distances[a]! - distances[b]!;
      if (difference !== 0) return difference < 0;
      const parent = Math.floor(a / count) - Math.floor(b / count);
      return parent === 0 ? codes[a]! < codes[b]! : parent < 0;
    };
    let held = 0;
    for (let e = from; e < from + extensions; e++) {
      let place = held < kept ? held++ : kept;
      if (place === kept && !isBefore(e, best[kept - 1]!)) continue;
      if (place === kept) place--;
      for (; place > 0 && isBefore(e, best[place - 1]!); place--) best[place] = best[place - 1]!;
      best[place] = e;
    }
    // The nearest codeword of the greedy candidate is its first. With one place left the better of two wins anyway.
    const greedyExtension = from + greedy[i]! * count;
    let greedyPlace = best.indexOf(greedyExtension);
    if (greedyPlace < 0 && kept > 1) {
      greedyPlace = kept - 1;
      best[greedyPlace] = greedyExtension;
    }
    nextGreedy[i] = Math.max(0, greedyPlace);
    for (let c = 0; c < kept; c++) {
      const to = i * kept + c;
      const parent = Math.floor(best[c]! / count);
      parents[to] = parent;
      added[to] = codes[best[c]!]!;
      joined.set(before.subarray(parent * level, (parent + 1) * level), to * (level + 1));
      joined[to * (level + 1) + level] = added[to]!;
    }
  }
  return { candidates: { width: kept, codes: joined, greedy: nextGreedy }, parents, added };
}

function residualsOf(
  backend: CompleteBackend,
  residual: Tensor<"float32">,
  codebook: Tensor<"float32">,
  { parents, added }: Selection,
): Tensor<"float32"> {
  return backend.scope(() =>
    backend.residual(
      residual,
      codebook,
      backend.tensor(added, [added.length, 1]),
      backend.tensor(parents, [parents.length]),
    ),
  );
}
