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
  const next = new Map(curves);
  for (const { at, values } of found) {
    for (const [name, value] of Object.entries(values)) {
      next.set(name, [...(next.get(name) ?? []), { at, value }]);
    }
  }
  return next;
}
