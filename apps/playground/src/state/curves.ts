import type { Figures } from "../engine/protocol.js";

/** A figure over the time of a run. */
export interface Point {
  /** Milliseconds. */
  readonly at: number;
  readonly value: number;
}

/** Figures by name, each over the time of the run. */
export type Curves = ReadonlyMap<string, readonly Point[]>;

export function withFigures(curves: Curves, found: readonly Figures[]): Curves {
  const names = new Set(found.flatMap(({ values }) => Object.keys(values)));
  const next = new Map(curves);
  for (const name of names) {
    const more = found.flatMap(({ at, values }) => {
      const value = values[name];
      return value === undefined ? [] : [{ at, value }];
    });
    next.set(name, [...(curves.get(name) ?? []), ...more]);
  }
  return next;
}
