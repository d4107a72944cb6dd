import { availableParallelism, cpus } from "node:os";
import { BACKEND_NAMES, type BackendName } from "@tessera/backend";
import {
  BackendError,
  type BackendInfo,
  type CompleteBackend,
  Random,
  throwIfAborted,
} from "@tessera/core";
import { defineCommand } from "../args/command.js";
import { type Context, withBackend } from "../context.js";
import { figure, wrap } from "../text.js";
import { version } from "../version.js";
import { BACKEND_OPTIONS, OUTPUT_OPTIONS } from "./shared.js";

/** What the machine and the program are, for the checks. */
interface Machine {
  readonly node: string;
  readonly cores: number;
  readonly backend: BackendInfo;
}

/** Something that makes Tessera faster where it is there, and how to get it. */
interface Check {
  readonly name: string;
  readonly present: (machine: Machine) => boolean;
  readonly missing: string;
  readonly remedy: (machine: Machine) => string;
}

const CHECKS: readonly Check[] = [
  {
    name: "native",
    present: ({ backend }) => !isWasm(backend),
    missing: "the native engine is not used, which is several times as fast as wasm",
    remedy: ({ backend }) =>
      // Who asked for another engine, or has the package, sees in `reason` what the matter is.
      backend.reason?.includes("is not installed")
        ? "npm install @tessera/backend-cpu --include=optional"
        : "TESSERA_CPU=native tessera doctor",
  },
  {
    name: "relaxed-simd",
    present: ({ backend }) => !isWasm(backend) || backend.features.includes("relaxed-simd"),
    missing: "this Node has no relaxed SIMD, which makes assignment about a quarter faster",
    remedy: ({ node }) =>
      Number(node.split(".")[0]) >= 22
        ? "TESSERA_CPU=wasm-relaxed tessera doctor"
        : "npx --yes --package node@24 -- tessera doctor",
  },
  {
    name: "threads",
    present: ({ backend, cores }) =>
      cores === 1 || backend.threads > 1 || !backend.name.startsWith("cpu"),
    missing: "only one thread is used, and there are more cores",
    remedy: ({ cores }) => `TESSERA_THREADS=${cores} tessera doctor`,
  },
];

function isWasm({ name, features }: BackendInfo): boolean {
  return name.startsWith("cpu") && !features.includes("native");
}

/** 8192 × 128 rows against 256 codewords: a common size, and small enough for several rounds. */
const WORK = { rows: 8192, dimension: 128, codewords: 256 } as const;
/** A GPU's work by a CPU takes a hundred times as long. */
const SOFTWARE_ROWS = 256;
const MEASURE_MS = 500;
/** The longest is the name of a backend, `tensorflow`. */
const LABEL_WIDTH = 12;

/** A backend that was not picked: what it is and how fast, or why it does not start and what to do. */
type Other =
  | { readonly name: BackendName; readonly backend: BackendInfo; readonly assignGflops: number }
  | { readonly name: BackendName; readonly problem: string; readonly remedy: string | undefined };

export const doctor = defineCommand({
  name: "doctor",
  arguments: "[options]",
  summary: "show what this machine computes with, and how fast",
  description:
    "Shows the machine, the backend that is picked and why, and how fast it assigns rows to codewords; and names what is missing, with the command that gets it.",
  positionals: [],
  options: { ...BACKEND_OPTIONS, ...OUTPUT_OPTIONS },
  examples: ["tessera doctor", "tessera doctor --threads 1 --json"],
  async run({ values }, context) {
    const { info, rate } = await withBackend(values, async (backend) => ({
      info: backend.info,
      rate: await measureAssign(backend, context),
    }));
    const others = values.backend === undefined ? await examineOthers(info.name, context) : [];
    const machine = { node: process.versions.node, cores: availableParallelism(), backend: info };
    const missing = CHECKS.filter((check) => !check.present(machine)).map((check) => ({
      name: check.name,
      what: check.missing,
      command: check.remedy(machine),
    }));
    const cpu = cpus()[0]?.model.trim() ?? "unknown";
    const facts = {
      tessera: await version(),
      node: machine.node,
      platform: `${process.platform}-${process.arch}`,
      cpu,
      cores: machine.cores,
    };
    context.json({
      ...facts,
      backend: { ...info, features: [...info.features] },
      assignGflops: rounded(rate),
      others,
      missing,
    });
    const lines: [string, string][] = [
      ["tessera", facts.tessera],
      ["node", `${facts.node} on ${facts.platform}`],
      ["cpu", `${facts.cpu}, ${facts.cores} ${facts.cores === 1 ? "core" : "cores"}`],
      ["backend", `${info.name}: ${info.device}`],
      ...(info.name.startsWith("cpu") ? [] : [["limits", limitsOf(info)] as [string, string]]),
      ["features", info.features.join(", ") || "none"],
      ["threads", String(info.threads)],
      ...(info.reason === undefined ? [] : [["why", info.reason] as [string, string]]),
      [
        "speed",
        `${figure(rate)} GFLOP/s assigning ${WORK.dimension} values to ${WORK.codewords} codewords`,
      ],
      ...others.map((other): [string, string] => [
        other.name,
        "backend" in other
          ? `${other.backend.device}, ${limitsOf(other.backend)}: ${figure(other.assignGflops)} GFLOP/s`
          : `${other.problem}${other.remedy === undefined ? "" : `: ${other.remedy}`}`,
      ]),
    ];
    const { paint, print, width } = context;
    for (const [label, value] of lines) {
      const [first, ...rest] = wrap(value, width, " ".repeat(LABEL_WIDTH));
      print(paint(label.padEnd(LABEL_WIDTH), "dim") + first!.slice(LABEL_WIDTH));
      for (const line of rest) print(line);
    }
    print();
    if (missing.length === 0) print(paint("nothing is missing", "good"));
    for (const { what, command } of missing) {
      for (const line of wrap(what, width)) print(paint(line, "warning"));
      print(`  ${command}`);
    }
  },
});

function rounded(gflops: number): number {
  return gflops < 1 ? Math.round(gflops * 1000) / 1000 : Math.round(gflops * 10) / 10;
}

function limitsOf({ maxTensorBytes, adapter }: BackendInfo & { adapter?: unknown }): string {
  const { software } = (adapter ?? {}) as { software?: boolean };
  return `tensors up to ${Math.floor(maxTensorBytes / 2 ** 20)} MiB${software === true ? ", by the CPU" : ""}`;
}

/** Backends that were not picked, measured where they start. */
async function examineOthers(picked: string, context: Context): Promise<Other[]> {
  const others: Other[] = [];
  for (const name of BACKEND_NAMES) {
    if (picked.startsWith(name)) continue;
    try {
      others.push(
        await withBackend({ backend: name }, async (backend) => ({
          name,
          backend: backend.info,
          assignGflops: rounded(await measureAssign(backend, context)),
        })),
      );
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      others.push({ name, problem: error.message, remedy: error.hint });
    }
  }
  return others;
}

/** GFLOP/s of `assign`, counting a multiplication and an addition per value, row and codeword. */
async function measureAssign(backend: CompleteBackend, context: Context): Promise<number> {
  const { dimension, codewords } = WORK;
  const { adapter } = backend.info as { adapter?: { software: boolean } };
  const rows = adapter?.software === true ? SOFTWARE_ROWS : WORK.rows;
  const random = new Random(0);
  const fill = (size: number) => Float32Array.from({ length: size }, () => random.uniform() - 0.5);
  const x = backend.tensor(fill(rows * dimension), [rows, dimension]);
  const codebooks = backend.tensor(fill(codewords * dimension), [1, codewords, dimension]);
  const round = async () => {
    const { codes, distances } = backend.assign(x, codebooks);
    distances.dispose();
    await codes.read();
    codes.dispose();
  };
  await round();
  const start = performance.now();
  let rounds = 0;
  while (performance.now() - start < MEASURE_MS) {
    throwIfAborted(context.signal);
    await round();
    rounds++;
    const done = Math.min(MEASURE_MS, performance.now() - start);
    context.progress.update({ task: "measure", done: Math.round(done), total: MEASURE_MS });
  }
  const seconds = (performance.now() - start) / 1000;
  x.dispose();
  codebooks.dispose();
  return (2 * rows * dimension * codewords * rounds) / seconds / 1e9;
}
