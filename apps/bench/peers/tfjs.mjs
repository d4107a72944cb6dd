/** TensorFlow.js on its wasm backend: assign composed of its own operations. */
import * as tf from "@tensorflow/tfjs-core";
import { getThreadsCount, setThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import { givenThreads, readMatrix, serve } from "../dist/drivers/serve.js";

const BLOCK_ROWS = 8192;

/** ‖c‖² − 2x·c and its argMin, by blocks of rows so that n × k is never held. */
async function assign(task) {
  const rows = await readMatrix(task.rows);
  const codebook = await readMatrix(task.codebook);
  const blocks = [];
  for (let start = 0; start < rows.rows; start += BLOCK_ROWS) {
    const end = Math.min(rows.rows, start + BLOCK_ROWS);
    const values = rows.data.subarray(start * rows.cols, end * rows.cols);
    blocks.push(tf.tensor2d(values, [end - start, rows.cols]));
  }
  const codewords = tf.tensor2d(codebook.data, [codebook.rows, codebook.cols]);
  const nearest = (block) =>
    tf.tidy(() => {
      const norms = tf.sum(tf.square(codewords), 1);
      const products = tf.matMul(block, codewords, false, true);
      return tf.argMin(tf.sub(norms, tf.mul(products, 2)), 1);
    });
  return {
    run: async () => {
      const codes = new Int32Array(rows.rows);
      for (const [i, block] of blocks.entries()) {
        const found = nearest(block);
        codes.set(await found.data(), i * BLOCK_ROWS);
        found.dispose();
      }
      return codes;
    },
    result: (codes) => ({ data: codes, shape: [rows.rows, 1] }),
  };
}

setThreadsCount(givenThreads());
await tf.setBackend("wasm");
await tf.ready();
await serve(
  { name: `tfjs-wasm ${tf.version_core}`, details: [`${getThreadsCount()} threads`, "SIMD"] },
  { assign },
);
