/** What Tessera sets out to reach. Data alone: evaluate.ts holds them against what was measured. */

export interface Target {
  /** Names of the cases, as patterns of whole names. */
  readonly cases: string;
  /** One of these must hold. */
  readonly oneOf: readonly Condition[];
}

export interface Condition {
  readonly measure: Measure;
  /** The entry that must reach it. */
  readonly entry: string;
  /** The entries whose best is the measure; without them, the entry's ceiling, or none. */
  readonly against: readonly string[];
  readonly atLeast?: number;
  readonly atMost?: number;
}

/**
 * - `speed`: times as fast as the fastest of the others
 * - `ceiling`: share of what the entry's ceiling reaches
 * - `quality`: times the least distortion of the others
 * - `missed`: times the least share of neighbours that the others missed
 * - `memory`: times the least peak memory of the others
 * - `bytes`: peak memory
 * - `seconds`: the median of a call
 * - `distortion`, `distinct`, `usage`: what the judge and the contender of its codes say
 */
export type Measure =
  | "speed"
  | "ceiling"
  | "quality"
  | "missed"
  | "memory"
  | "bytes"
  | "seconds"
  | "distortion"
  | "distinct"
  | "usage";

/** Seeds that a whole training is stated for. */
export const SEEDS = [0, 1, 2, 3, 4];

/** The ways in which faiss runs: its wheel as it is, and with BLAS kernels that fit the processor. Each is a target. */
const INSTALLED = ["faiss"];
const TUNED = ["faiss-tuned", "faiss"];
const FAISS = [...INSTALLED, ...TUNED];
const ASSIGN = "assign-.*";
const SEARCH = "search-(words|1m)-.*";
const KMEANS = "kmeans-(256|1024)(-words)?";

export const TARGETS: readonly Target[] = [
  ...bothFaiss(ASSIGN, "native", 7),
  only(ASSIGN, { measure: "ceiling", entry: "native", against: [], atLeast: 0.9 }),
  ...bothFaiss(ASSIGN, "wasm", 1.5),
  ...bothFaiss(KMEANS, "native", 8, "SuperKMeans"),
  noWorse(KMEANS, "native", 1.001, FAISS),
  faster(KMEANS, "native", 5, ["sklearn"]),
  faster("kmeans-64-10k", "wasm", 30, ["ml-kmeans"]),
  noWorse("kmeans-64-10k", "wasm", 1.001, ["ml-kmeans"]),
  ...bothFaiss("pq-train", "native", 4),
  ...bothFaiss("pq-encode", "native", 3),
  ...bothFaiss("rq-beam-(train|encode)", "native", 8),
  faster("rq-beam-encode", "native", 8, ["faiss/tables"]),
  faster("rq-beam-encode", "native", 8, ["faiss-tuned/tables"]),
  noWorse("rq-beam-(train|encode)", "native", 1, FAISS),
  faster("rq-industrial", "native", 20, ["sklearn"]),
  noWorse("rq-industrial", "native", 1, ["sklearn"]),
  {
    cases: "sq8-.*|signs",
    oneOf: [
      { measure: "speed", entry: "native", against: ["faiss"], atLeast: 4 },
      { measure: "ceiling", entry: "native", against: [], atLeast: 0.7 },
    ],
  },
  ...bothFaiss(SEARCH, "native", 1, "fast scan"),
  ...bothFaiss("search-.*-signs", "native", 2),
  only(SEARCH, {
    measure: "missed",
    entry: "native",
    against: [...FAISS, "faiss/fast scan"],
    atMost: 1.02,
  }),
  lessMemory("(assign|pq|rq-beam|sq8)-.*|kmeans-(256|1024)(-words)?|signs|stream", FAISS),
  lessMemory("rq-industrial", ["sklearn"]),
  // The least that an n × k matrix of float32 would take.
  atMostBytes("assign-4096", 4 * 100_000 * 4096),
  atMostBytes("assign-256-1m", 4 * 1_000_000 * 256),
  // A fifth of the rows that go by.
  atMostBytes("stream", 10_000_000 * 128 * 4 * 0.2),
  faster("stream", "native", 0.9, ["native/in memory"]),
  faster("rqvae-step-1024", "native", 1.4, ["torch"]),
  faster("rqvae-step-64", "native", 4, ["torch"]),
  faster("rqvae-step-64", "wasm", 1, ["torch"]),
  noWorse("rqvae-step-.*", "native", 1.02, ["torch"]),
  ...SEEDS.flatMap((seed) => nameGiver(`native/seed ${seed}`)),
];

function only(cases: string, condition: Condition): Target {
  return { cases, oneOf: [condition] };
}

/** Against faiss as its wheel is, and against the fastest with fitting BLAS kernels; `way`: a faster way that it has. */
function bothFaiss(cases: string, entry: string, atLeast: number, way?: string): Target[] {
  return [INSTALLED, TUNED].map((names) =>
    faster(
      cases,
      entry,
      atLeast,
      way === undefined ? names : [...names, ...names.map((name) => `${name}/${way}`)],
    ),
  );
}

/** What a whole training on the catalogue must come to: minutes, distortion, names of their own, codewords in use. */
function nameGiver(entry: string): Target[] {
  const reached = (measure: Measure, bound: Pick<Condition, "atLeast" | "atMost">): Target =>
    only("rqvae-industrial", { measure, entry, against: [], ...bound });
  return [
    reached("seconds", { atMost: 300 }),
    reached("distortion", { atMost: 0.15 }),
    reached("distinct", { atLeast: 0.97 }),
    reached("usage", { atLeast: 0.95 }),
  ];
}

function faster(cases: string, entry: string, atLeast: number, against: readonly string[]): Target {
  return only(cases, { measure: "speed", entry, against, atLeast });
}

function noWorse(cases: string, entry: string, atMost: number, against: readonly string[]): Target {
  return only(cases, { measure: "quality", entry, against, atMost });
}

function lessMemory(cases: string, against: readonly string[]): Target {
  return only(cases, { measure: "memory", entry: "native", against, atMost: 1 });
}

function atMostBytes(cases: string, atMost: number): Target {
  return only(cases, { measure: "bytes", entry: "native", against: [], atMost });
}
