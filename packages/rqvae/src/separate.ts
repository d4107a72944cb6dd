import { codebooksIn } from "./bottleneck.js";
import { rowKey } from "./health.js";
import type { Plan } from "./plan.js";
import type { Pass } from "./review.js";

/** Candidates of the last level that a row without codes of its own is offered. */
const MOST_CANDIDATES = 64;

/**
 * Codes of its own for every row that shares all its codes with one nearer to them: those before the last stay, and the
 * last is that of the nearest codeword which makes codes that no row has. Rows keep the target that they had while nobody
 * else has come to its codes. Rows that repeat another are left as they are.
 *
 * @param codebooks `[Σk, latent]`
 * @param before what this returned last, if it did
 * @returns `[n, levels · groups]`, codes level by level; −1 in the first place for rows that need none
 */
export function separateRows(
  codebooks: Float32Array,
  pass: Pass,
  plan: Pick<Plan, "bottleneck" | "latent">,
  before: Int32Array | undefined,
): Int32Array {
  const { bottleneck, latent } = plan;
  const { groups, sizes } = bottleneck;
  const rows = pass.errors.length;
  const width = groups * sizes.length;
  const last = sizes.length - 1;
  const targets = new Int32Array(rows * width).fill(-1);
  /** The row that has some codes: the nearest to them. */
  const taken = new Map<string, number>();
  const late: number[] = [];
  const distance = (row: number): number => {
    let sum = 0;
    for (let g = 0; g < groups; g++) sum += pass.distances[last]![row * groups + g]!;
    return sum;
  };
  const distances = Float64Array.from({ length: rows }, (_, row) => distance(row));
  const order = Array.from({ length: rows }, (_, row) => row).sort(
    (a, b) => distances[a]! - distances[b]! || a - b,
  );
  for (const row of order) {
    const key = rowKey(pass.codes, groups, row);
    const owner = taken.get(key);
    if (owner === undefined) taken.set(key, row);
    else if (!sameLatent(pass.latents, latent, row, owner)) late.push(row);
  }
  const book = codebooksIn(codebooks, bottleneck, latent)[last]!.at(-1)!;
  for (const row of late) {
    const place = targets.subarray(row * width, (row + 1) * width);
    const held = before?.subarray(row * width, (row + 1) * width);
    if (held && held[0]! >= 0 && !taken.has(held.join())) {
      place.set(held);
    } else {
      const own = rowKey(pass.codes, groups, row).split(",").map(Number);
      const left = lastResidual(codebooks, pass, plan, row);
      for (const code of nearest(book, left)) {
        own[width - 1] = code;
        if (taken.has(own.join())) continue;
        place.set(own);
        break;
      }
    }
    if (place[0]! >= 0) taken.set(place.join(), row);
  }
  return targets;
}

/** Rows that are the same cannot be told apart. */
function sameLatent(latents: Float32Array, width: number, a: number, b: number): boolean {
  for (let i = 0; i < width; i++) {
    if (latents[a * width + i] !== latents[b * width + i]) return false;
  }
  return true;
}

/** What the last group of a row has left before the last level. */
function lastResidual(
  codebooks: Float32Array,
  pass: Pass,
  { bottleneck, latent }: Pick<Plan, "bottleneck" | "latent">,
  row: number,
): Float32Array {
  const { groups, sizes } = bottleneck;
  const cols = latent / groups;
  const left = pass.latents.slice((row + 1) * latent - cols, (row + 1) * latent);
  codebooksIn(codebooks, bottleneck, latent)
    .slice(0, sizes.length - 1)
    .forEach((books, l) => {
      const code = pass.codes[l]![row * groups + groups - 1]!;
      const { data } = books.at(-1)!;
      for (let i = 0; i < cols; i++) left[i]! -= data[code * cols + i]!;
    });
  return left;
}

/** Codewords from the nearest on, as many as are offered. */
function nearest(
  { data, rows, cols }: { data: Float32Array; rows: number; cols: number },
  x: Float32Array,
): number[] {
  const distances = Float64Array.from({ length: rows }, (_, code) => {
    let sum = 0;
    for (let i = 0; i < cols; i++) sum += (x[i]! - data[code * cols + i]!) ** 2;
    return sum;
  });
  return Array.from({ length: rows }, (_, code) => code)
    .sort((a, b) => distances[a]! - distances[b]! || a - b)
    .slice(0, MOST_CANDIDATES);
}
