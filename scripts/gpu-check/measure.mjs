import { completeBackend, matrix, Random, trainingBackend } from "@tessera/core";
import { fitKmeans } from "@tessera/kmeans";
import { fitRqvae } from "@tessera/rqvae";
import { assignName } from "./sizes.mjs";

/** Seconds of each piece of work on a backend, by name; or why one does not run. */
export async function measureTessera(webgpu, work, say) {
  const backend = completeBackend(webgpu);
  const seconds = {};
  const record = async (name, body) => {
    try {
      seconds[name] = await body();
    } catch (error) {
      seconds[name] = { obstacle: error.message };
    }
    say(`${name}:`, seconds[name]);
  };
  for (const size of work.assign) {
    await record(assignName(size), () => timeAssign(backend, size, work.rounds));
  }
  await record("k-means", () => timeKmeans(backend, work.kmeans, work.rounds));
  await record("RQ-VAE step", () => timeRqvae(backend, work.rqvae));
  return seconds;
}

/** Rows about codewords, so that k-means has something to find; the same for PyTorch, but for the values. */
export function clustered(rows, dimension, clusters) {
  const random = new Random(1);
  const centres = Float32Array.from(
    { length: clusters * dimension },
    () => 2 * random.uniform() - 1,
  );
  const data = Float32Array.from({ length: rows * dimension }, (_, i) => {
    const centre = Math.floor(i / dimension) % clusters;
    return centres[centre * dimension + (i % dimension)] + 0.4 * (random.uniform() - 0.5);
  });
  return { data, centres };
}

/** With rows and codebook on the device, as they are within a fit. */
async function timeAssign(backend, { rows, dimension, codebookSize }, rounds) {
  const { data, centres } = clustered(rows, dimension, codebookSize);
  const x = backend.tensor(data, [rows, dimension]);
  const codebooks = backend.tensor(centres, [1, codebookSize, dimension]);
  const time = await medianSeconds(rounds, async () => {
    const { codes, distances } = backend.assign(x, codebooks);
    await backend.sync();
    codes.dispose();
    distances.dispose();
  });
  x.dispose();
  codebooks.dispose();
  return time;
}

/** From rows on the host to a codebook on the host. */
async function timeKmeans(backend, { rows, dimension, codebookSize, iterations }, rounds) {
  const { data } = clustered(rows, dimension, codebookSize);
  const input = matrix(data, dimension);
  // No early stop, which PyTorch has not either.
  const options = { backend, codebookSize, iterations, tolerance: 0, init: "random" };
  return medianSeconds(Math.min(3, rounds), () => fitKmeans(input, options));
}

/** One step of training: what a run takes less than one of half as many steps, of which both start and end alike. */
async function timeRqvae(backend, { rows, dimension, widths, levels, codebookSize, batch, steps }) {
  trainingBackend(backend);
  const { data } = clustered(rows, dimension, codebookSize);
  const train = async (length) => {
    const start = performance.now();
    await fitRqvae(matrix(data, dimension), {
      backend,
      levels,
      codebookSize,
      widths,
      batchSize: batch,
      steps: length,
      pretraining: 0,
      reviewEvery: length,
      onCollapse: "report",
    });
    return (performance.now() - start) / 1000;
  };
  const half = Math.floor(steps / 2);
  // Compiles the kernels.
  await train(half);
  const shorter = await train(half);
  const longer = await train(steps);
  if (longer <= shorter) throw new Error("too few steps to measure");
  return (longer - shorter) / (steps - half);
}

export async function medianSeconds(rounds, body) {
  await body();
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await body();
    times.push((performance.now() - start) / 1000);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}
