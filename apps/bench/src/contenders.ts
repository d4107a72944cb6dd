import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child, type Launch } from "./child.js";
import type { Greeting } from "./protocol.js";

/** Takes part in cases, each time in a process of its own. */
export interface Contender {
  readonly id: string;
  /** As the table names it. */
  readonly title: string;
  readonly runs: "tessera" | "python" | "npm";
  /** Its driver: of src/drivers, or of peers. */
  readonly driver: string;
  readonly args?: readonly string[];
}

/** A contender on this machine: how to start it, or why it cannot be. */
export type Standing =
  | { readonly launch: Launch; readonly greeting: Greeting }
  | { readonly skipped: string };

export interface Hosts {
  readonly threads: number;
  /** The interpreter, or why there is none. */
  readonly python: { readonly path: string } | { readonly missing: string };
  /** Why the peers from npm are missing, if they are. */
  readonly npmMissing: string | undefined;
  readonly signal: AbortSignal;
}

const PEERS = fileURLToPath(new URL("../peers/", import.meta.url));
const DRIVERS = fileURLToPath(new URL("drivers/", import.meta.url));
const START_LIMIT_SECONDS = 120;

const NUMPY: Contender = { id: "numpy", title: "NumPy", runs: "python", driver: "peer_numpy.py" };
const FAISS: Contender = { id: "faiss", title: "faiss", runs: "python", driver: "peer_faiss.py" };
const FAISS_TUNED: Contender = { ...FAISS, id: "faiss-tuned", title: "faiss tuned" };

export function contenders(threads: number): Contender[] {
  const tessera = { runs: "tessera", driver: "tessera.js" } as const;
  return [
    { id: "native", title: "Tessera native", ...tessera, args: ["native", `${threads}`] },
    { id: "wasm", title: "Tessera wasm", ...tessera, args: ["wasm", `${threads}`] },
    { id: "wasm-1", title: "Tessera wasm, 1 thread", ...tessera, args: ["wasm", "1"] },
    NUMPY,
    FAISS,
    FAISS_TUNED,
    { id: "sklearn", title: "scikit-learn", runs: "python", driver: "peer_sklearn.py" },
    { id: "torch", title: "PyTorch", runs: "python", driver: "peer_torch.py" },
    { id: "ml-kmeans", title: "ml-kmeans", runs: "npm", driver: "ml-kmeans.mjs" },
    { id: "tfjs", title: "tfjs-wasm", runs: "npm", driver: "tfjs.mjs" },
    { id: "usearch", title: "usearch", runs: "npm", driver: "usearch.mjs" },
  ];
}

/** Starts each contender once, to see whether it starts and what it computes with. */
export async function meetAll(
  list: readonly Contender[],
  hosts: Hosts,
): Promise<Map<string, Standing>> {
  const standings = new Map<string, Standing>();
  for (const contender of list) {
    standings.set(
      contender.id,
      contender === FAISS_TUNED ? await meetTuned(contender, hosts) : await meet(contender, hosts),
    );
  }
  return standings;
}

async function meet(
  contender: Contender,
  hosts: Hosts,
  environment: NodeJS.ProcessEnv = {},
): Promise<Standing> {
  const launch = launchOf(contender, hosts);
  if ("skipped" in launch) return launch;
  Object.assign(launch.environment, environment);
  try {
    const { child, greeting } = await Child.start(launch, START_LIMIT_SECONDS, hosts.signal);
    await child.stop();
    return { launch, greeting };
  } catch (error) {
    hosts.signal.throwIfAborted();
    return { skipped: (error as Error).message };
  }
}

/**
 * The OpenBLAS inside faiss' wheel is older than many processors and falls back to slow kernels on those that it does
 * not know. A user who knows that can name the processor in the environment, so faiss runs both ways; the kernels named
 * are those that NumPy's newer OpenBLAS chose.
 */
async function meetTuned(contender: Contender, hosts: Hosts): Promise<Standing> {
  const best = blasOf(await meet(NUMPY, hosts));
  const own = blasOf(await meet(FAISS, hosts));
  if (own === undefined) return { skipped: "faiss does not start, or has no OpenBLAS of its own" };
  if (best === undefined) return { skipped: "NumPy does not say which kernels fit the processor" };
  if (best === own) return { skipped: `faiss chose the right BLAS kernels by itself (${own})` };
  const tuned = await meet(contender, hosts, { OPENBLAS_CORETYPE: best });
  const got = blasOf(tuned);
  if ("skipped" in tuned || got === best) return tuned;
  return { skipped: `faiss' OpenBLAS does not know ${best} and took ${got}` };
}

function blasOf(standing: Standing): string | undefined {
  return "greeting" in standing ? standing.greeting.facts?.["blas"] : undefined;
}

function launchOf(
  { runs, driver, args = [] }: Contender,
  { threads, python, npmMissing }: Hosts,
): Launch | { skipped: string } {
  const environment = childEnvironment(process.env, threads);
  if (runs === "python") {
    if ("missing" in python) return { skipped: python.missing };
    return { command: python.path, args: [join(PEERS, driver)], environment };
  }
  if (runs === "npm" && npmMissing !== undefined) return { skipped: npmMissing };
  const folder = runs === "npm" ? PEERS : DRIVERS;
  return { command: process.execPath, args: [join(folder, driver), ...args], environment };
}

/** Every library gets the same threads, and chooses its instruction set by itself. */
export function childEnvironment(
  environment: NodeJS.ProcessEnv,
  threads: number,
): NodeJS.ProcessEnv {
  const forced = /^(OPENBLAS|OMP|MKL|KMP|GOMP|FAISS|NUMEXPR|TESSERA)_/;
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => !forced.test(name))),
    OMP_NUM_THREADS: `${threads}`,
    OPENBLAS_NUM_THREADS: `${threads}`,
    MKL_NUM_THREADS: `${threads}`,
    TESSERA_BENCH_THREADS: `${threads}`,
    PYTHONDONTWRITEBYTECODE: "1",
  };
}
