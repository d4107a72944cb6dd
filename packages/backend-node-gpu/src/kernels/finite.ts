import { NonFiniteError } from "@tessera/core";
import type { Node } from "../engine.js";
import { byRows, rowsAtATime, type Workspace } from "./workspace.js";

/**
 * @param vectors `[v, d]`
 * @param perRow how many vectors make up one row
 * @throws {NonFiniteError} naming the row of the first vector whose squared norm is not a finite float32
 */
export function checkNorms(
  work: Workspace,
  vectors: Node,
  perRow: number,
  what: "input" | "codebook",
): void {
  const { engine } = work;
  checkRows(work, vectors, perRow, what, (part) =>
    engine.op("Sum", [engine.op("Square", [part]), engine.axis(1)]),
  );
}

/**
 * @param x `[n, d]`
 * @throws {NonFiniteError} naming the first row with a value that is not finite
 */
export function checkFinite(work: Workspace, x: Node): void {
  const { engine } = work;
  // The difference of a number and itself is 0 or, if it is not finite, not a number.
  checkRows(work, x, 1, "input", (part) =>
    engine.op("Sum", [engine.op("Sub", [part, part]), engine.axis(1)]),
  );
}

function checkRows(
  work: Workspace,
  vectors: Node,
  perRow: number,
  what: "input" | "codebook",
  measure: (part: Node) => Node,
): void {
  const { engine } = work;
  const [count, dimension] = vectors.shape as [number, number];
  engine.frame(() => {
    const chunk = rowsAtATime(work, 4 * dimension);
    const [measures] = byRows(work, count, chunk, (start, end) => [
      measure(engine.rows(vectors, start, end)),
    ]);
    if (engine.all(engine.op("IsFinite", [measures]))) return [];
    const first = engine.download(measures).findIndex((value) => !Number.isFinite(value));
    throw new NonFiniteError(Math.floor(first / perRow), what);
  });
}
