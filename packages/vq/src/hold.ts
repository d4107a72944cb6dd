import { batchesOf, isMatrix, type Matrix, type Rows } from "@tessera/core";

/** All rows in memory, if there are at most `limit`. A longer stream is read no further than that. */
export async function holdFew(
  rows: Rows,
  limit: number,
  signal?: AbortSignal,
): Promise<Matrix | undefined> {
  if (isMatrix(rows)) return rows.rows <= limit ? rows : undefined;
  const parts: Matrix[] = [];
  let count = 0;
  for await (const batch of batchesOf(rows, 4096, signal)) {
    count += batch.rows;
    if (count > limit) return undefined;
    parts.push({ ...batch, data: batch.data.slice() });
  }
  return stack(
    parts.map(({ data }) => data),
    parts[0]?.cols ?? 1,
  );
}

function stack(parts: readonly Float32Array[], cols: number): Matrix {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const data = new Float32Array(size);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, rows: size / cols, cols };
}
