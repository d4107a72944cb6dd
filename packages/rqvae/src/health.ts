import type { Bottleneck } from "./bottleneck.js";
import type { Plan } from "./plan.js";
import type { Pass } from "./review.js";

/** How a level's codewords are used; of a product, over all its groups. */
export interface LevelHealth {
  /** Share of the codewords that some row has. */
  readonly usage: number;
  /** e to the entropy of the codes: the number of codewords that equal use would take for it. */
  readonly perplexity: number;
  /** Codewords that no row has. */
  readonly dead: number;
  /** What the levels up to this one leave over: Σ‖r_{l+1}‖² / Σ‖z − mean‖²; 0 under FSQ, which leaves no residuals. */
  readonly residualEnergy: number;
}

/** How the codes of all rows stand. */
export interface Health {
  readonly levels: readonly LevelHealth[];
  /** Mean squared error of the rows' reconstructions, as a share of their variance. */
  readonly relativeDistortion: number;
  /** Different rows of codes, as a share of the rows. */
  readonly distinct: number;
  /** Mean over rows of the latents' squared distance from their mean. */
  readonly latentVariance: number;
}

/** @param variance mean over rows of the standardized rows' squared distance from their mean */
export function healthOf(pass: Pass, { bottleneck, latent }: Plan, variance: number): Health {
  const { codes, distances, errors, latents } = pass;
  const rows = errors.length;
  const spread = varianceOf(latents, latent);
  return {
    levels: codes.map((level, l) => {
      const counts = countCodes(level, bottleneck, l);
      const groups = counts.length / bottleneck.sizes[l]!;
      const used = counts.reduce((sum, count) => sum + Number(count > 0), 0);
      const left = distances[l]!.reduce((sum, value) => sum + value, 0) / rows;
      return {
        usage: used / counts.length,
        perplexity: perplexityOf(counts, groups),
        dead: counts.length - used,
        residualEnergy: spread > 0 ? left / spread : 0,
      };
    }),
    relativeDistortion:
      errors.reduce((sum, value) => sum + value, 0) / rows / (variance > 0 ? variance : 1),
    distinct: distinctRows(pass) / rows,
    latentVariance: spread,
  };
}

/** Rows of each code of a level, group after group. */
export function countCodes(
  level: Int32Array,
  { groups, sizes }: Bottleneck,
  l: number,
): Uint32Array {
  const counts = new Uint32Array(groups * sizes[l]!);
  for (let s = 0; s < level.length; s++) counts[(s % groups) * sizes[l]! + level[s]!]! += 1;
  return counts;
}

/** Mean over groups. */
function perplexityOf(counts: Uint32Array, groups: number): number {
  const size = counts.length / groups;
  let total = 0;
  for (let group = 0; group < groups; group++) {
    const own = counts.subarray(group * size, (group + 1) * size);
    const rows = own.reduce((sum, count) => sum + count, 0);
    let entropy = 0;
    for (const count of own) if (count > 0) entropy -= (count / rows) * Math.log(count / rows);
    total += Math.exp(entropy);
  }
  return total / groups;
}

/** Mean over rows of the squared distance from the mean row. */
export function varianceOf(data: Float32Array, cols: number): number {
  const rows = data.length / cols;
  const mean = new Float64Array(cols);
  for (let i = 0; i < data.length; i++) mean[i % cols]! += data[i]! / rows;
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i]! - mean[i % cols]!) ** 2;
  return sum / rows;
}

/** A text for the codes of a row, all levels and groups. */
export function rowKey(codes: readonly Int32Array[], groups: number, row: number): string {
  const own: number[] = [];
  for (const level of codes) for (let g = 0; g < groups; g++) own.push(level[row * groups + g]!);
  return own.join();
}

function distinctRows({ codes, errors }: Pass): number {
  const groups = codes[0]!.length / errors.length;
  const keys = new Set<string>();
  for (let row = 0; row < errors.length; row++) keys.add(rowKey(codes, groups, row));
  return keys.size;
}
