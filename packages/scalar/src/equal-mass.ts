/** Cells of one column: `count` levels, and the thresholds between them. */
export interface Cells {
  readonly levels: Float32Array;
  readonly thresholds: Float32Array;
}

/**
 * Cells that hold equally many values each, as far as equal values allow, so that codes carry the most information; the
 * level of a cell is the mean of its values, and that of an empty one the threshold that it shares.
 */
export function equalMassCells(count: number, sorted: Float32Array): Cells {
  const n = sorted.length;
  const thresholds = Float32Array.from({ length: count - 1 }, (_, k) => {
    const at = Math.min(n - 1, Math.max(1, Math.round(((k + 1) * n) / count)));
    return n === 1 ? sorted[0]! : (sorted[at - 1]! + sorted[at]!) / 2;
  });
  const levels = new Float32Array(count);
  let from = 0;
  for (let k = 0; k < count; k++) {
    let sum = 0;
    let to = from;
    const last = thresholds[k] ?? Infinity;
    for (; to < n && sorted[to]! <= last; to++) sum += sorted[to]!;
    levels[k] = to > from ? sum / (to - from) : thresholds[Math.min(k, count - 2)]!;
    from = to;
  }
  return { levels, thresholds };
}

/** Cells that meet halfway between increasing levels, so that each value goes to its nearest. */
export function nearestCells(levels: Float32Array): Cells {
  const thresholds = Float32Array.from(
    { length: levels.length - 1 },
    (_, k) => (levels[k]! + levels[k + 1]!) / 2,
  );
  return { levels, thresholds };
}
