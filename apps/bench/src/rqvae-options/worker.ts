/** Trains one way, twice: `node worker.js ROWS.npy TASK`, on one thread; prints its figures as one line. */
import { createCpuBackend } from "@tessera/backend-cpu";
import { type CompleteBackend, type Matrix, Random, TesseraError } from "@tessera/core";
import { createAutoencoderQuantizers } from "@tessera/rqvae";
import { decodedDistortion } from "../judge.js";
import { readMatrix } from "../drivers/serve.js";
import { factsOf } from "../drivers/tessera-rqvae.js";
import type { Figures, Outcome, TableTask } from "./figures.js";

const HELD_OUT = 0.1;

const [path, text = ""] = process.argv.slice(2);
const task = JSON.parse(text) as TableTask;
const backend = await createCpuBackend({ threads: 1 });
const rows = await readMatrix(path);
console.log(JSON.stringify(await figuresOf()));
backend.dispose();

async function figuresOf(): Promise<Figures> {
  const facts = { task, engine: backend.info.device };
  try {
    const whole = await outcome(backend, rows, rows);
    const order = new Random(0).stream("tenth").permutation(rows.rows);
    const held = Math.round(HELD_OUT * rows.rows);
    const [tenth, others] = [pick(rows, order.subarray(0, held)), pick(rows, order.subarray(held))];
    return { ...facts, whole, heldOut: await outcome(backend, others, tenth) };
  } catch (error) {
    // A way may be a bad one: its codebooks collapse, or it diverges.
    if (!(error instanceof TesseraError)) throw error;
    return { ...facts, problem: error.message };
  }
}

async function outcome(
  backend: CompleteBackend,
  trained: Matrix,
  judged: Matrix,
): Promise<Outcome> {
  const start = performance.now();
  const model = await createAutoencoderQuantizers(task.settings).fit(task.spec, trained, {
    backend,
    seed: task.seed,
  });
  const seconds = Math.round((performance.now() - start) / 1000);
  const codes = await model.encode(judged, { backend });
  const decoded = await model.decode(codes, { backend });
  return { distortion: decodedDistortion(judged, decoded), ...factsOf(codes), seconds };
}

function pick({ data, cols }: Matrix, indices: Uint32Array): Matrix {
  const picked = new Float32Array(indices.length * cols);
  indices.forEach((row, i) => picked.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return { data: picked, rows: indices.length, cols };
}
