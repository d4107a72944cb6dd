/**
 * The kernels that are bound by memory, on rows that are on the backend already. A call ends when its result is there,
 * which is where the next kernel wants it; it is not read back to the host.
 */
import type { CompleteBackend, Tensor } from "@tessera/core";
import type { Task } from "../protocol.js";
import { job, type Job, type NpyArray, readMatrix } from "./serve.js";

const LEVELS = 256;
const JUDGED_ROWS = 100_000;

export async function scalarEncode(backend: CompleteBackend, task: Task): Promise<Job> {
  const { x, lower, step } = await upload(backend, task);
  return kernelJob(
    backend,
    () => backend.scalarEncode(x, lower, step),
    (codes) => firstRows(backend, backend.scalarDecode(codes, lower, step)),
  );
}

export async function scalarDecode(backend: CompleteBackend, task: Task): Promise<Job> {
  const { x, lower, step } = await upload(backend, task);
  const codes = backend.scalarEncode(x, lower, step);
  x.dispose();
  return kernelJob(
    backend,
    () => backend.scalarDecode(codes, lower, step),
    (decoded) => firstRows(backend, decoded),
  );
}

export async function signs(backend: CompleteBackend, task: Task): Promise<Job> {
  const { x } = await upload(backend, task);
  return kernelJob(
    backend,
    () => backend.packSigns(x),
    async (bits) => ({ data: await bits.read(), shape: bits.shape }),
  );
}

/** Runs a kernel to its end, and frees what the run before gave. */
function kernelJob<T extends Tensor>(
  backend: CompleteBackend,
  kernel: () => T,
  result: (tensor: T) => Promise<NpyArray>,
): Job {
  let last: T | undefined;
  return job({
    run: async () => {
      last?.dispose();
      last = kernel();
      await backend.sync();
      return last;
    },
    result,
  });
}

/** The rows on the backend, with the range of each column cut into as many steps as there are codes but one. */
async function upload(backend: CompleteBackend, task: Task) {
  const { data, rows, cols } = await readMatrix(task.rows);
  const lower = data.slice(0, cols);
  const upper = data.slice(0, cols);
  for (let i = 0; i < data.length; i++) {
    const j = i % cols;
    if (data[i]! < lower[j]!) lower[j] = data[i]!;
    if (data[i]! > upper[j]!) upper[j] = data[i]!;
  }
  const step = upper.map((value, j) => (value - lower[j]!) / (LEVELS - 1));
  return {
    x: backend.borrow(data, [rows, cols]),
    lower: backend.tensor(lower),
    step: backend.tensor(step),
  };
}

async function firstRows(backend: CompleteBackend, whole: Tensor<"float32">): Promise<NpyArray> {
  const [rows, cols] = whole.shape as [number, number];
  const first = backend.slice(whole, 0, Math.min(rows, JUDGED_ROWS));
  return { data: await first.read(), shape: [first.shape[0]!, cols] };
}
