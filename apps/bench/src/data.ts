import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Matrix, Random } from "@tessera/core";
import { openVectors, writeNpy, writeNpyRows } from "@tessera/io/node";
import type { RowsChoice } from "./case.js";

const CLUSTERS = 1000;
/** Standard deviation of a centre's values, and of the noise around it. */
const CENTRES = 1;
const NOISE = 0.7;
const SEED = 3;
const BLOCK_ROWS = 10_000;

/** The files that all contenders read. */
export class DataFiles {
  readonly #cache: string;
  readonly #temporary: string;
  readonly #real: string;

  /**
   * @param cache where synthetic rows stay from run to run
   * @param temporary a folder of this run
   * @param real where `words/embeddings.npy` and `industrial/embeddings.npy` are, if anywhere
   */
  constructor(cache: string, temporary: string, real: string) {
    this.#cache = cache;
    this.#temporary = temporary;
    this.#real = real;
  }

  /** The `.npy` file of rows, or undefined if there is none on this machine. */
  async rows({ source, rows, cols }: RowsChoice): Promise<string | undefined> {
    if (source === "words" || source === "industrial") {
      const path = join(this.#real, source, "embeddings.npy");
      return existsSync(path) ? path : undefined;
    }
    const path = join(this.#cache, `${source}-${SEED}-${rows}x${cols}.npy`);
    if (!existsSync(path)) {
      mkdirSync(dirname(path), { recursive: true });
      await writeNpyRows(path, mixture(rows, cols, source === "noise" ? 0 : CENTRES), cols);
    }
    return path;
  }

  /** A file of distinct rows of another file, drawn at random. */
  async codebook(rowsPath: string, { source, rows }: RowsChoice, size: number): Promise<string> {
    const path = join(this.#temporary, `codebook-${source}-${rows}-${size}.npy`);
    if (existsSync(path)) return path;
    const file = await openVectors(rowsPath);
    try {
      await writeNpy(path, drawRows(await file.readAll(), size).data, [size, file.cols]);
    } finally {
      await file.close();
    }
    return path;
  }
}

/** A mixture of Gaussians: normal centres, normal noise around them, clusters of unequal size. */
function* mixture(rows: number, cols: number, deviation: number): Generator<Float32Array> {
  const random = new Random(SEED);
  const ofCentres = random.stream("centres");
  const centres = Float32Array.from(
    { length: CLUSTERS * cols },
    () => deviation * ofCentres.normal(),
  );
  const ofRows = random.stream("rows");
  for (let start = 0; start < rows; start += BLOCK_ROWS) {
    const block = new Float32Array(Math.min(BLOCK_ROWS, rows - start) * cols);
    for (let at = 0; at < block.length; at += cols) {
      // The square of a uniform number: some clusters are many times larger than others.
      const cluster = Math.floor(CLUSTERS * ofRows.uniform() ** 2);
      for (let j = 0; j < cols; j++) {
        block[at + j] = centres[cluster * cols + j]! + NOISE * ofRows.normal();
      }
    }
    yield block;
  }
}

function drawRows({ data, rows, cols }: Matrix, count: number): Matrix {
  const random = new Random(SEED).stream("codebook");
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(random.integer(rows));
  const drawn = new Float32Array(count * cols);
  [...chosen].forEach((row, i) => {
    drawn.set(data.subarray(row * cols, (row + 1) * cols), i * cols);
  });
  return { data: drawn, rows: count, cols };
}
