import type { Trial } from "./measure.js";

/** What is asked for: at most so many bytes a vector, at least such a recall at k, or both. */
export interface Target {
  readonly bytes: number | undefined;
  readonly recall: number | undefined;
}

/** Rates differ from run to run, so that less than this is no reason to prefer one to another. */
const CLEARLY_FASTER = 1.5;

/**
 * The trial to recommend, if one meets the target. Of bytes alone: the one that finds most, and of those that find the same
 * the smallest. Of a recall: the smallest, and of equally small ones, without those that are clearly slower than another,
 * the one that finds most.
 */
export function choose(trials: readonly Trial[], target: Target): Trial | undefined {
  const { bytes = Infinity, recall } = target;
  const within = trials.filter(
    (trial) => trial.bytesPerVector <= bytes && trial.reached >= (recall ?? 0),
  );
  if (recall === undefined) return best(within);
  const least = Math.min(...within.map((trial) => trial.bytesPerVector));
  const smallest = within.filter((trial) => trial.bytesPerVector === least);
  const fastest = Math.max(...smallest.map((trial) => trial.queriesPerSecond));
  return best(
    smallest.filter(({ queriesPerSecond }) => queriesPerSecond * CLEARLY_FASTER >= fastest),
  );
}

/** The trial that comes closest to a target that none meets: of those small enough, if there are any, the one that finds most. */
export function closest(trials: readonly Trial[], { bytes = Infinity }: Target): Trial | undefined {
  const small = trials.filter((trial) => trial.bytesPerVector <= bytes);
  return best(small.length > 0 ? small : trials);
}

/** The one that finds most; of equal ones the smallest, and then the first. */
function best(trials: readonly Trial[]): Trial | undefined {
  return trials.toSorted((a, b) => b.reached - a.reached || a.bytesPerVector - b.bytesPerVector)[0];
}

/** The trials than which no other is as small and finds as much, but for one that is the same in both. */
export function paretoFront(trials: readonly Trial[]): ReadonlySet<Trial> {
  const beats = (a: Trial, b: Trial) =>
    a.bytesPerVector <= b.bytesPerVector &&
    a.reached >= b.reached &&
    (a.bytesPerVector < b.bytesPerVector || a.reached > b.reached);
  return new Set(trials.filter((trial) => !trials.some((other) => beats(other, trial))));
}
