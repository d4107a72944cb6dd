/** ml-kmeans. */
import { kmeans as fit } from "ml-kmeans";
import { installedVersion, readMatrix, serve } from "../dist/drivers/serve.js";

async function kmeans(task) {
  const rows = toRows(await readMatrix(task.rows));
  const initialization = toRows(await readMatrix(task.codebook));
  const options = { initialization, maxIterations: task.parameters.iterations, tolerance: 0 };
  return {
    run: () => fit(rows, initialization.length, options),
    result: ({ centroids }) => ({
      data: Float32Array.from(centroids.flat()),
      shape: [centroids.length, centroids[0].length],
    }),
  };
}

/** The arrays of numbers that it wants. */
function toRows({ data, rows, cols }) {
  return Array.from({ length: rows }, (_, i) => [...data.subarray(i * cols, (i + 1) * cols)]);
}

await serve(
  { name: `ml-kmeans ${installedVersion("ml-kmeans")}`, details: ["1 thread"] },
  { kmeans },
);
