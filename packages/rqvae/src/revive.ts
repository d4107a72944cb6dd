import type { Random } from "@tessera/core";
import { valuesOf } from "./layout.js";
import type { Trainer } from "./trainer.js";
import { codebooksIn } from "./bottleneck.js";
import { countCodes } from "./health.js";
import type { Plan } from "./plan.js";
import type { Pass } from "./review.js";

/** Replaces dead codewords; what the optimizer knows of the old ones is forgotten. Returns how many there were. */
export async function reviveDead(trainer: Trainer, pass: Pass, random: Random): Promise<number> {
  const { plan } = trainer;
  if (plan.settings.codebooks === "projected" || plan.bottleneck.finite) return 0;
  const state = await trainer.read();
  const parameters = state.parameters.slice();
  const codebooks = valuesOf(parameters, plan.layout, "codebooks");
  const replaced = reviveCodewords(codebooks, pass, plan, random);
  if (replaced.length === 0) return 0;
  const width = plan.latent / plan.bottleneck.groups;
  const optimizer = state.optimizer.map((values) => values.slice());
  const usage = state.usage.slice();
  for (const codeword of replaced) {
    usage[codeword] = 1;
    for (const values of optimizer) {
      const at = plan.codebooks + codeword * width;
      values.fill(0, at, at + width);
    }
  }
  trainer.write({ ...state, parameters, optimizer, usage });
  return replaced.length;
}

/**
 * Replaces dead codewords by what rows leave over before their level, drawn by how far it is from its codeword: such rows
 * gain most from a codeword of their own.
 *
 * @param codebooks `[Σk, latent]`, changed in place
 * @returns the places of the replaced codewords, counted as `counts` of `quantizeLevels` are
 */
export function reviveCodewords(
  codebooks: Float32Array,
  pass: Pass,
  { bottleneck, latent }: Plan,
  random: Random,
): number[] {
  const { groups, sizes } = bottleneck;
  const width = latent / groups;
  const left = pass.latents.slice();
  const replaced: number[] = [];
  let start = 0;
  codebooksIn(codebooks, bottleneck, latent).forEach((books, l) => {
    const codes = pass.codes[l]!;
    const distances = pass.distances[l]!;
    const counts = countCodes(codes, bottleneck, l);
    const used = books.map(({ data }) => data.slice());
    for (let group = 0; group < groups; group++) {
      const dead: number[] = [];
      for (let k = 0; k < sizes[l]!; k++) if (counts[group * sizes[l]! + k] === 0) dead.push(k);
      const rows = drawByDistance(distances, group, groups, dead.length, random);
      dead.forEach((k, i) => {
        const row = rows[i];
        if (row === undefined) return;
        const from = (row * groups + group) * width;
        books[group]!.data.set(left.subarray(from, from + width), k * width);
        replaced.push(groups * start + group * sizes[l]! + k);
      });
    }
    for (let s = 0; s < codes.length; s++) {
      const codeword = used[s % groups]!.subarray(codes[s]! * width, (codes[s]! + 1) * width);
      for (let i = 0; i < width; i++) left[s * width + i]! -= codeword[i]!;
    }
    start += sizes[l]!;
  });
  return replaced;
}

/** Up to `count` different rows, each drawn in proportion to its distance. */
function drawByDistance(
  distances: Float32Array,
  group: number,
  groups: number,
  count: number,
  random: Random,
): number[] {
  if (count === 0) return [];
  const rows = distances.length / groups;
  const sums = new Float64Array(rows);
  let total = 0;
  for (let row = 0; row < rows; row++) sums[row] = total += distances[row * groups + group]!;
  const drawn = new Set<number>();
  // Rows may be fewer than dead codewords, or all at distance 0.
  for (let trial = 0; trial < 4 * count && drawn.size < count; trial++) {
    const at = random.uniform() * total;
    let [low, high] = [0, rows - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    drawn.add(low);
  }
  return [...drawn];
}
