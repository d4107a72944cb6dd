import type { Matrix } from "@tessera/core";
import { assignedBlocks, type Pass, type Run } from "./pass.js";
import { normalizeRows, norm, updateCentroids, type KmeansStatistics } from "./statistics.js";

/**
 * The update of a codebook in which some codewords have no rows.
 *
 * Each of them moves to a row of its own: the rows that their codewords serve worst, one by one, leave their clusters and
 * become codewords. This lowers the objective, so Lloyd's descent stays a descent. Two rules make it end when there are
 * fewer distinct rows than codewords, where no repair can fill them all:
 *
 * - Only a row that gains by it is moved, and equal rows count as one. When every row lies on its codeword, nothing moves,
 *   and what has no rows stays where it is.
 * - A cluster of equal rows gets exactly that row as its codeword. Their mean in float32 may be off in the last bit, and
 *   the gain that this pretends would have codewords chase each other for ever.
 *
 * @returns the codebook, and whether a codeword was moved
 */
export async function repairedUpdate(
  run: Run,
  codebook: Matrix,
  pass: Pass,
): Promise<{ codebook: Matrix; moved: boolean }> {
  const { statistics } = pass;
  const { codebookSize: k, cols } = statistics;
  const empty: number[] = [];
  for (let j = 0; j < k; j++) if (statistics.counts[j] === 0) empty.push(j);

  const worst = new WorstRows(empty.length);
  const uniform = new UniformClusters(k);
  for await (const { host, start, codes, distances } of assignedBlocks(run, codebook, pass)) {
    for (let i = 0; i < host.rows; i++) {
      const weight = run.source.weights?.[start + i] ?? 1;
      if (weight === 0) continue;
      const code = codes[i]!;
      const row = host.data.subarray(i * cols, (i + 1) * cols);
      uniform.add(code, row);
      // A row that has its codeword to itself has nothing to gain.
      if (statistics.counts[code]! <= weight * (1 + 1e-6)) continue;
      const gain = gainOf(run, row, distances[i]!);
      if (gain > 0) worst.offer({ row: start + i, code, gain, weight, values: row });
    }
  }

  const left: KmeansStatistics = {
    ...statistics,
    sums: statistics.sums.slice(),
    counts: statistics.counts.slice(),
  };
  const moved: { to: number; values: Float32Array }[] = [];
  for (const { code, weight, values } of worst.rows()) {
    if (left.counts[code]! <= weight * (1 + 1e-6)) continue;
    left.counts[code]! -= weight;
    for (let i = 0; i < cols; i++) left.sums[code * cols + i]! -= weight * values[i]!;
    moved.push({ to: empty[moved.length]!, values });
  }

  const next = updateCentroids(left, codebook, { spherical: run.spherical });
  const put = (to: number, values: Float32Array): void => {
    const row = { data: values.slice(), rows: 1, cols };
    if (run.spherical) normalizeRows(row);
    next.data.set(row.data, to * cols);
  };
  uniform.each(put);
  for (const { to, values } of moved) put(to, values);
  return { codebook: next, moved: moved.length > 0 };
}

/** By how much the row's distance falls if it becomes a codeword; 0 where that is within rounding. */
function gainOf({ metric, spherical }: Run, row: Float32Array, distance: number): number {
  if (metric === "l2" && !spherical) return distance;
  const length = norm(row);
  const own = metric === "l2" ? (length - 1) ** 2 : spherical ? -length : -length * length;
  const gain = distance - own;
  return gain > 1e-5 * (Math.abs(distance) + Math.abs(own)) ? gain : 0;
}

interface Candidate {
  readonly row: number;
  readonly code: number;
  readonly gain: number;
  readonly weight: number;
  readonly values: Float32Array;
}

/** The distinct rows with the largest weighted gain, in bounded memory; the earlier row wins a tie. */
class WorstRows {
  readonly #count: number;
  #held: Candidate[] = [];
  /** Held candidates by gain: equal rows of one cluster have equal gains. */
  #byGain = new Map<number, Candidate[]>();
  #threshold = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** `values` is copied if the candidate is kept. */
  offer(candidate: Candidate): void {
    if (!(candidate.gain * candidate.weight > this.#threshold)) return;
    const equals = this.#byGain.get(candidate.gain);
    if (equals?.some((other) => sameRow(other.values, candidate.values))) return;
    this.#hold({ ...candidate, values: candidate.values.slice() });
    if (this.#held.length >= 2 * this.#count + 64) this.#prune();
  }

  rows(): readonly Candidate[] {
    this.#prune();
    return this.#held;
  }

  #hold(candidate: Candidate): void {
    this.#held.push(candidate);
    const equals = this.#byGain.get(candidate.gain);
    if (equals) equals.push(candidate);
    else this.#byGain.set(candidate.gain, [candidate]);
  }

  #prune(): void {
    const best = this.#held
      .sort((a, b) => b.gain * b.weight - a.gain * a.weight || a.row - b.row)
      .slice(0, this.#count);
    this.#held = [];
    this.#byGain.clear();
    for (const candidate of best) this.#hold(candidate);
    const last = best.at(-1);
    if (last && best.length === this.#count) this.#threshold = last.gain * last.weight;
  }
}

/** Finds the clusters whose rows are all equal. */
class UniformClusters {
  /** The first row of each cluster, `null` once another row differs from it. */
  readonly #first: (Float32Array | null | undefined)[];

  constructor(codebookSize: number) {
    this.#first = Array.from({ length: codebookSize });
  }

  add(code: number, row: Float32Array): void {
    const first = this.#first[code];
    if (first === undefined) this.#first[code] = row.slice();
    else if (first !== null && !sameRow(first, row)) this.#first[code] = null;
  }

  each(visit: (code: number, row: Float32Array) => void): void {
    this.#first.forEach((row, code) => {
      if (row) visit(code, row);
    });
  }
}

function sameRow(a: Float32Array, b: Float32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
