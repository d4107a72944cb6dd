import type { CompleteBackend } from "@tessera/core";
import type { Task } from "../protocol.js";
import { job, type Job, readMatrix } from "./serve.js";

/** `assign` of rows and codewords on the backend, to codes on the host. */
export async function assign(backend: CompleteBackend, task: Task): Promise<Job> {
  const x = await upload(backend, task.rows);
  const flat = await upload(backend, task.codebook);
  const codebooks = backend.reshape(flat, [1, ...flat.shape]);
  return job({
    run: async () => {
      const { codes, distances } = backend.assign(x, codebooks);
      distances.dispose();
      const read = await codes.read();
      codes.dispose();
      return read;
    },
    result: (codes) => ({ data: codes, shape: [codes.length, 1] }),
  });
}

async function upload(backend: CompleteBackend, path: string | undefined) {
  const { data, rows, cols } = await readMatrix(path);
  return backend.borrow(data, [rows, cols]);
}
