import { referenceGumbel } from "@tessera/backend-testkit";

/** A row on the host, in float64. */
type Row = readonly number[];

/** Codewords by level and group. */
export type Books = readonly (readonly (readonly Row[])[])[];

const square = (a: Row): number => a.reduce((sum, value) => sum + value * value, 0);
const minus = (a: Row, b: Row): number[] => a.map((value, i) => value - b[i]!);

export function softmax(values: Row): number[] {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

function entropy(p: Row): number {
  return -p.reduce((sum, value) => sum + value * Math.log(value), 0);
}

function sliceOf(row: Row, group: number, groups: number): Row {
  const width = row.length / groups;
  return row.slice(group * width, (group + 1) * width);
}

/** In each level and group, what the chosen codewords leave of the residuals: the mean over rows. */
export function unitsOf(
  residuals: readonly (readonly Row[])[],
  codewords: readonly (readonly Row[])[],
  groups: number,
): Row[] {
  return codewords[0]!.map((_, level) =>
    Array.from({ length: groups }, (_ignored, group) => {
      const distances = residuals.map((ofRow, i) => {
        const left = minus(ofRow[level]!, codewords[i]![level]!);
        return square(sliceOf(left, group, groups));
      });
      return distances.reduce((sum, value) => sum + value, 0) / distances.length;
    }),
  );
}

/** All rows with their codewords mixed by Gumbel-softmax, level after level. */
export function mixed(
  z: readonly Row[],
  books: Books,
  units: readonly Row[],
  { temperature, seed, firstCall }: { temperature: number; seed: number; firstCall: number },
): Row[] {
  let left = z;
  books.forEach((ofLevel, level) => {
    const groups = ofLevel.length;
    const noise = ofLevel.map((book, group) =>
      referenceGumbel(z.length * book.length, seed, firstCall + level * groups + group),
    );
    left = left.map((row, i) =>
      ofLevel.flatMap((book, group) => {
        const own = sliceOf(row, group, groups);
        const p = softmax(
          book.map((codeword, k) => {
            const g = noise[group]![i * book.length + k]!;
            return g - square(minus(own, codeword)) / (temperature * units[level]![group]!);
          }),
        );
        return own.map(
          (value, j) => value - book.reduce((sum, codeword, k) => sum + p[k]! * codeword[j]!, 0),
        );
      }),
    );
  });
  return z.map((row, i) => minus(row, left[i]!));
}

/** The entropy loss of one level of residuals, all groups together. */
export function entropyLoss(
  residuals: readonly Row[],
  ofLevel: Books[number],
  units: Row,
  temperature: number,
  diversity: number,
): number {
  let loss = 0;
  ofLevel.forEach((book, group) => {
    const all = residuals.map((row) => {
      const own = sliceOf(row, group, ofLevel.length);
      const unit = temperature * units[group]!;
      return softmax(book.map((codeword) => -square(minus(own, codeword)) / unit));
    });
    const mean = book.map((_, k) => all.reduce((sum, p) => sum + p[k]!, 0) / all.length);
    const own = all.reduce((sum, p) => sum + entropy(p), 0) / all.length;
    loss += own - diversity * entropy(mean);
  });
  return loss;
}

/** The mean over rows of −ln softmax_j(q_i · e_j / τ)_i. */
export function contrast(q: readonly Row[], e: readonly Row[], temperature: number): number {
  const dot = (a: Row, b: Row): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const losses = q.map((row, i) => -Math.log(softmax(e.map((v) => dot(row, v) / temperature))[i]!));
  return losses.reduce((sum, value) => sum + value, 0) / q.length;
}
