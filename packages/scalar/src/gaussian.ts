/** Quantizers of the standard normal distribution, which are functions of the number of levels alone. */

/** φ(x) */
function density(x: number): number {
  return Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
}

/** Probability of exceeding x, to about 13 digits. */
export function normalTail(x: number): number {
  if (x < 0) return 1 - normalTail(-x);
  if (x === Infinity) return 0;
  if (x < 3) {
    // φ(x) · (x + x³/3 + x⁵/(3·5) + …) lies between 0 and x.
    let term = x;
    let sum = x;
    for (let n = 3; term > 1e-17 * sum; n += 2) sum += term *= (x * x) / n;
    return 0.5 - density(x) * sum;
  }
  // φ(x) / (x + 1/(x + 2/(x + 3/(x + …))))
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / fraction;
  return density(x) / fraction;
}

/** The x that is exceeded with this probability, at most a half. */
function normalQuantile(tail: number): number {
  let low = 0;
  let high = 40;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalTail(middle) > tail) low = middle;
    else high = middle;
  }
  return low;
}

/** Probability and mean of a ≤ x < b, and how the mean moves with either end. */
function cellOf(a: number, b: number) {
  const [atA, atB] = [density(a), b === Infinity ? 0 : density(b)];
  const probability = normalTail(a) - normalTail(b);
  const mean = (atA - atB) / probability;
  return {
    probability,
    mean,
    byA: ((mean - a) * atA) / probability,
    byB: b === Infinity ? 0 : ((b - mean) * atB) / probability,
  };
}

/**
 * The levels of least squared error for a standard normal value (Lloyd 1957, Max 1960): each level is the mean of its
 * cell, and cells meet halfway between levels.
 *
 * @param count an even number of levels
 * @returns the levels, increasing and symmetric about 0
 */
export function lloydMaxLevels(count: number): Float64Array {
  const half = count / 2;
  // Near the solution for many levels: quantiles of a normal distribution of variance 3 (Panter and Dite 1951).
  let levels: Float64Array = Float64Array.from(
    { length: half },
    (_, i) => Math.sqrt(3) * normalQuantile((half - i - 0.5) / count),
  );
  for (let iteration = 0; iteration < 100; iteration++) {
    const next = newtonStep(levels);
    const moved = next.reduce((most, level, i) => Math.max(most, Math.abs(level - levels[i]!)), 0);
    levels = next;
    if (moved < 1e-13) break;
  }
  return Float64Array.from({ length: count }, (_, i) =>
    i < half ? -levels[half - 1 - i]! : levels[i - half]!,
  );
}

/**
 * Newton's step for `level − mean of its cell = 0`, a tridiagonal system; where it leaves the levels out of order, the
 * means themselves, which are Lloyd's step.
 */
function newtonStep(levels: Float64Array): Float64Array {
  const half = levels.length;
  const edge = (i: number): number =>
    i === 0 ? 0 : i === half ? Infinity : (levels[i - 1]! + levels[i]!) / 2;
  const cells = Array.from(levels, (_, i) => cellOf(edge(i), edge(i + 1)));
  const pivots = new Float64Array(half);
  const rest = new Float64Array(half);
  // An edge is half of either level beside it; the one at 0 stays.
  for (let i = 0; i < half; i++) {
    const { mean, byA, byB } = cells[i]!;
    const below = i === 0 ? 0 : -byA / 2;
    const above = i === 0 ? 0 : -cells[i - 1]!.byB / 2;
    const factor = i === 0 ? 0 : below / pivots[i - 1]!;
    pivots[i] = 1 - (i === 0 ? 0 : byA / 2) - byB / 2 - factor * above;
    rest[i] = mean - levels[i]! - factor * (rest[i - 1] ?? 0);
  }
  const next = levels.slice();
  for (let i = half - 1; i >= 0; i--) {
    const after = i + 1 < half ? next[i + 1]! - levels[i + 1]! : 0;
    next[i] = levels[i]! + (rest[i]! + (cells[i]!.byB / 2) * after) / pivots[i]!;
  }
  const ordered = next.every((level, i) => level > (next[i - 1] ?? 0));
  return ordered ? next : Float64Array.from(cells, ({ mean }) => mean);
}

/**
 * The s for which `count` levels evenly from −s to s have the least squared error for a standard normal value.
 */
export function uniformLoading(count: number): number {
  let [low, high] = [0.1, 10];
  const golden = (Math.sqrt(5) - 1) / 2;
  while (high - low > 1e-9) {
    const step = golden * (high - low);
    if (uniformError(count, high - step) < uniformError(count, low + step)) high = low + step;
    else low = high - step;
  }
  return (low + high) / 2;
}

/** Squared error of a standard normal value by `count` levels evenly from −s to s. */
function uniformError(count: number, s: number): number {
  const step = (2 * s) / (count - 1);
  let error = 0;
  for (let i = 0; i < count / 2; i++) {
    const level = (i + 0.5) * step;
    const a = i * step;
    const b = i + 1 === count / 2 ? Infinity : a + step;
    const { probability, mean } = cellOf(a, b);
    const atB = b === Infinity ? 0 : b * density(b);
    error += probability * (1 + level * level - 2 * level * mean) + a * density(a) - atB;
  }
  return 2 * error;
}
