/**
 * Tessera as a contender: `node tessera.js native|wasm THREADS`.
 *
 * `wasm` is relaxed SIMD where this Node has it without flags, else plain SIMD, as a user gets it.
 */
import { createCpuBackend } from "@tessera/backend-cpu";
import type { CompleteBackend } from "@tessera/core";
import { multiplyAdd } from "./multiply-add.js";
import { serve } from "./serve.js";
import { assign } from "./tessera-assign.js";
import { scalarDecode, scalarEncode, signs } from "./tessera-codes.js";
import { rqvaeSteps, rqvaeTraining } from "./tessera-rqvae.js";
import { search } from "./tessera-search.js";
import {
  encode,
  encodeByCodebook,
  fitProduct,
  fitResidual,
  kmeans,
  train,
} from "./tessera-models.js";

const [engine = "wasm", threads = "1"] = process.argv.slice(2);
const backend = await start(engine, Number(threads));
const { name, device, features, reason } = backend.info;
await serve(
  {
    name: `Tessera ${name}`,
    details: [device, features.join(" "), ...(reason === undefined ? [] : [reason])],
  },
  {
    assign: (task) => assign(backend, task),
    "multiply-add": (task) => multiplyAdd(task, features.includes("relaxed-simd")),
    kmeans: (task) => kmeans(backend, task),
    "pq-train": (task) => train(fitProduct, backend, task),
    "pq-encode": (task) => encode(fitProduct, backend, task),
    "rq-train": (task) => train(fitResidual, backend, task),
    "rq-encode": (task) => encode(fitResidual, backend, task),
    "rqvae-step": (task) => rqvaeSteps(backend, task),
    "rqvae-train": (task) => rqvaeTraining(backend, task),
    "scalar-encode": (task) => scalarEncode(backend, task),
    "scalar-decode": (task) => scalarDecode(backend, task),
    signs: (task) => signs(backend, task),
    search: (task) => search(backend, task),
    stream: (task) => encodeByCodebook(backend, task, true),
    "in-memory": (task) => encodeByCodebook(backend, task, false),
  },
);

async function start(engine: string, threads: number): Promise<CompleteBackend> {
  if (engine === "native") return createCpuBackend({ engine: "native", threads });
  try {
    return await createCpuBackend({ engine: "wasm-relaxed", threads });
  } catch {
    return createCpuBackend({ engine: "wasm", threads });
  }
}
