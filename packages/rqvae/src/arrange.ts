import type { Plan } from "./plan.js";
import type { Targets } from "./trainer.js";

/** A batch with its rows that have targets last, and what those are. */
export function arrange(
  indices: Int32Array,
  targets: Int32Array,
  { bottleneck }: Plan,
): { readonly indices: Int32Array; readonly targets: Targets } {
  const { groups, sizes } = bottleneck;
  const width = groups * sizes.length;
  const aimed = indices.filter((row) => targets[row * width]! >= 0);
  const free = indices.filter((row) => targets[row * width]! < 0);
  const arranged = new Int32Array(indices.length);
  arranged.set(free);
  arranged.set(aimed, free.length);
  const codes = sizes.map((_, l) => {
    const level = new Int32Array(aimed.length * groups);
    aimed.forEach((row, i) => {
      const from = row * width + l * groups;
      level.set(targets.subarray(from, from + groups), i * groups);
    });
    return level;
  });
  return { indices: arranged, targets: { count: aimed.length, codes } };
}
