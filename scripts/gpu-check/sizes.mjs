/** What is measured, by size: a card's, and one for an adapter that a CPU plays. */
export const WORK = {
  full: {
    rounds: 7,
    assign: [
      { rows: 262_144, dimension: 128, codebookSize: 256 },
      { rows: 262_144, dimension: 128, codebookSize: 4096 },
      { rows: 65_536, dimension: 768, codebookSize: 1024 },
    ],
    kmeans: { rows: 262_144, dimension: 128, codebookSize: 1024, iterations: 20 },
    rqvae: {
      rows: 16_384,
      dimension: 768,
      widths: [512, 256, 128, 64],
      levels: 3,
      codebookSize: 256,
      batch: 1024,
      steps: 200,
    },
    roofline: { floats: 2 ** 26, lanes: 2 ** 20, steps: 4096 },
  },
  tiny: {
    rounds: 3,
    assign: [{ rows: 256, dimension: 16, codebookSize: 32 }],
    kmeans: { rows: 256, dimension: 16, codebookSize: 8, iterations: 3 },
    rqvae: {
      rows: 64,
      dimension: 16,
      widths: [16, 8],
      levels: 2,
      codebookSize: 8,
      batch: 16,
      steps: 40,
    },
    roofline: { floats: 2 ** 16, lanes: 2 ** 8, steps: 64 },
  },
};

/** The name of an assignment in reports. */
export function assignName({ rows, dimension, codebookSize }) {
  return `assign ${rows} × ${dimension} to ${codebookSize}`;
}
