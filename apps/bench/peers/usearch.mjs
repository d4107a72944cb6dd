/** usearch: exact search among the codewords, its closest to an assignment. */
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

await serve(
  { name: `usearch ${installedVersion("usearch")}`, details: [`${givenThreads()} threads`] },
  { assign },
);
