/** usearch: exact search, among rows, and among the codewords as its closest to an assignment. */
import { exactSearch, MetricKind } from "usearch";
import { givenThreads, installedVersion, readMatrix, serve } from "../dist/drivers/serve.js";

async function assign(task) {
  const rows = await readMatrix(task.rows);
  const codebook = await readMatrix(task.codebook);
  const search = () =>
    exactSearch(codebook.data, rows.data, rows.cols, 1, MetricKind.L2sq, givenThreads());
  return {
    run: search,
    result: ({ keys }) => ({ data: Int32Array.from(keys, Number), shape: [rows.rows, 1] }),
  };
}

async function search(task) {
  const { data, rows, cols } = await readMatrix(task.rows);
  const { index, queries, neighbours } = task.parameters;
  if (index !== "exact") throw new Error(`it has no index "${index}"`);
  const held = Math.min(queries, Math.floor(rows / 10));
  const base = data.subarray(0, (rows - held) * cols);
  // usearch reads a view from where its buffer begins.
  const asked = data.slice((rows - held) * cols);
  return {
    run: () => exactSearch(base, asked, cols, neighbours, MetricKind.L2sq, givenThreads()),
    result: ({ keys }) => ({
      data: Int32Array.from(keys, Number),
      shape: [held, neighbours],
      bytesPerVector: 4 * cols,
    }),
  };
}

await serve(
  { name: `usearch ${installedVersion("usearch")}`, details: [`${givenThreads()} threads`] },
  { assign, search },
);
