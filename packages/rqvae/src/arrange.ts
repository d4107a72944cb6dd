import type { Plan } from "./plan.js";
import type { Targets } from "./trainer.js";

/** Rows with targets that a batch is given besides its own, as a share of those. */
const EXTRA = 1 / 4;

/** Rows that have targets. */
export function rowsWithTargets(targets: Int32Array, { bottleneck }: Plan): readonly number[] {
  const width = bottleneck.groups * bottleneck.sizes.length;
  const rows: number[] = [];
  for (let row = 0; row * width < targets.length; row++) {
    if (targets[row * width]! >= 0) rows.push(row);
  }
  return rows;
}

/**
 * A batch with its rows that have targets last, and what those are. There are few of them, so that each would be seen once
 * an epoch; every batch is given some more, in turn.
 *
 * @param aimed all rows with targets
 */
export function arrange(
  indices: Int32Array,
  targets: Int32Array,
  aimed: readonly number[],
  step: number,
  { bottleneck }: Plan,
): { readonly indices: Int32Array; readonly targets: Targets } {
  const { groups, sizes } = bottleneck;
  const width = groups * sizes.length;
  const hasTarget = (row: number): boolean => targets[row * width]! >= 0;
  const extra = Math.min(aimed.length, Math.ceil(EXTRA * indices.length));
  const turn = Array.from({ length: extra }, (_, i) => aimed[(step * extra + i) % aimed.length]!);
  const last = Int32Array.from([...indices.filter(hasTarget), ...turn]);
  const first = indices.filter((row) => !hasTarget(row));
  const arranged = new Int32Array(first.length + last.length);
  arranged.set(first);
  arranged.set(last, first.length);
  const codes = sizes.map((_, l) => {
    const level = new Int32Array(last.length * groups);
    last.forEach((row, i) => {
      const from = row * width + l * groups;
      level.set(targets.subarray(from, from + groups), i * groups);
    });
    return level;
  });
  return { indices: arranged, targets: { count: last.length, codes } };
}
