import type { Engine, Node } from "../engine.js";

/** What kernels compute with, and how much of its memory they may use for what lies between input and result. */
export interface Workspace {
  readonly engine: Engine;
  readonly bytes: number;
}

/** How many rows fit in the workspace at so many bytes each. */
export function rowsAtATime({ bytes }: Workspace, bytesPerRow: number): number {
  return Math.max(1, Math.floor(bytes / Math.max(1, bytesPerRow)));
}

/**
 * The results of a kernel that takes `rows` rows, chunk by chunk, each as if by itself: `body` gets the bounds of a chunk and
 * returns its rows of each result. It is called once where there are no rows.
 */
export function byRows<T extends readonly Node[]>(
  { engine }: Workspace,
  rows: number,
  chunk: number,
  body: (start: number, end: number) => T,
): T {
  if (rows <= chunk) return body(0, rows);
  const parts: T[] = [];
  for (let start = 0; start < rows; start += chunk) {
    parts.push(engine.frame(() => body(start, Math.min(rows, start + chunk))));
  }
  return parts[0]!.map((_, i) =>
    engine.concat(
      parts.map((part) => part[i]!),
      0,
    ),
  ) as unknown as T;
}
