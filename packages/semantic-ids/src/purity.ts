import { ArgumentError, type Codes, ShapeError } from "@tessera/core";
import { groupStarts, sortRows } from "./sort.js";

/** How well prefixes of one length agree with the labels. All shares are 0..1. */
export interface PrefixPurityLevel {
  /** Codes in the prefix: 1 is the first level alone. */
  readonly length: number;
  /** Distinct prefixes. */
  readonly prefixes: number;
  /** Share of rows whose label is the most frequent one under their prefix. Grows to 1 as prefixes become unique. */
  readonly purity: number;
  /** The same over rows that share their prefix with another; a row alone is pure whatever its label. 0 if there is none. */
  readonly sharedPurity: number;
  /** Rows that share their prefix with another. */
  readonly sharedRows: number;
  /** Share of the pairs of rows under one prefix that have the same label. 0 if there is no pair. */
  readonly pairAgreement: number;
  /** Mutual information of prefix and label over the mean of their entropies; 1 if both are constant. */
  readonly normalizedMutualInformation: number;
}

export interface PrefixPurity {
  readonly rows: number;
  /** Distinct labels. */
  readonly labels: number;
  /** Share of the most frequent label: the purity of one prefix for all. */
  readonly baseline: number;
  /** Share of all pairs of rows that have the same label: the `pairAgreement` of a prefix that means nothing. */
  readonly pairBaseline: number;
  readonly levels: readonly PrefixPurityLevel[];
}

/**
 * Whether items under one prefix are of one kind: how a level's codes agree with labels that are known, such as brands or
 * categories.
 *
 * Judge `purity` and `sharedPurity` against `baseline`, with care where prefixes hold few rows (of two rows, at least
 * half are always pure), and `pairAgreement` against `pairBaseline`, which does not depend on group sizes. Mutual
 * information also grows as prefixes become unique.
 *
 * @param codes `[rows, levels]`
 * @param labels `[rows]`
 * @throws {ShapeError} if there is not one label per row
 * @throws {ArgumentError} without rows
 */
export function prefixPurity(
  codes: Codes,
  labels: readonly string[] | Int32Array | Uint32Array,
): PrefixPurity {
  const { rows, columns } = codes;
  if (labels.length !== rows) {
    throw new ShapeError(`${labels.length} labels for ${rows} rows of codes`);
  }
  if (rows === 0) throw new ArgumentError("purity needs at least one row");

  const { numbers, count } = numberLabels(labels);
  const sorted = sortRows(codes);
  const tally = new Tally(count, (i) => numbers[sorted.order[i]!]!);
  const whole = tally.group(0, rows);
  const levels = Array.from({ length: columns }, (_, column): PrefixPurityLevel => {
    const starts = groupStarts(sorted, column + 1);
    let majority = 0;
    let sharedMajority = 0;
    let sharedRows = 0;
    let pairs = 0;
    let equalPairs = 0;
    let prefixEntropy = 0;
    let jointEntropy = 0;
    for (let g = 0; g + 1 < starts.length; g++) {
      const size = starts[g + 1]! - starts[g]!;
      const group = tally.group(starts[g]!, starts[g + 1]!);
      majority += group.majority;
      prefixEntropy -= (size / rows) * Math.log(size / rows);
      jointEntropy += Math.log(rows) * (size / rows) - group.sumCountLogCount / rows;
      if (size < 2) continue;
      sharedMajority += group.majority;
      sharedRows += size;
      pairs += (size * (size - 1)) / 2;
      equalPairs += group.equalPairs;
    }
    const labelEntropy = Math.log(rows) - whole.sumCountLogCount / rows;
    const information = prefixEntropy + labelEntropy - jointEntropy;
    const entropies = prefixEntropy + labelEntropy;
    return {
      length: column + 1,
      prefixes: starts.length - 1,
      purity: majority / rows,
      sharedPurity: sharedRows === 0 ? 0 : sharedMajority / sharedRows,
      sharedRows,
      pairAgreement: pairs === 0 ? 0 : equalPairs / pairs,
      // Rounding may leave a hair outside 0..1.
      normalizedMutualInformation:
        entropies <= 0 ? 1 : Math.min(1, Math.max(0, (2 * information) / entropies)),
    };
  });
  return {
    rows,
    labels: count,
    baseline: whole.majority / rows,
    pairBaseline: rows < 2 ? 0 : whole.equalPairs / ((rows * (rows - 1)) / 2),
    levels,
  };
}

function numberLabels(labels: readonly string[] | Int32Array | Uint32Array): {
  numbers: Uint32Array;
  count: number;
} {
  const known = new Map<string | number, number>();
  const numbers = new Uint32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    let number = known.get(label);
    if (number === undefined) known.set(label, (number = known.size));
    numbers[i] = number;
  }
  return { numbers, count: known.size };
}

/** Counts the labels of a run of sorted rows; the counters are cleared by what was touched, not from end to end. */
class Tally {
  readonly #counts: Uint32Array;
  readonly #labelAt: (position: number) => number;

  constructor(labels: number, labelAt: (position: number) => number) {
    this.#counts = new Uint32Array(labels);
    this.#labelAt = labelAt;
  }

  group(
    start: number,
    end: number,
  ): { majority: number; equalPairs: number; sumCountLogCount: number } {
    const counts = this.#counts;
    let majority = 0;
    for (let i = start; i < end; i++) {
      const count = ++counts[this.#labelAt(i)]!;
      if (count > majority) majority = count;
    }
    let equalPairs = 0;
    let sumCountLogCount = 0;
    for (let i = start; i < end; i++) {
      const label = this.#labelAt(i);
      const count = counts[label]!;
      if (count === 0) continue;
      equalPairs += (count * (count - 1)) / 2;
      sumCountLogCount += count * Math.log(count);
      counts[label] = 0;
    }
    return { majority, equalPairs, sumCountLogCount };
  }
}
