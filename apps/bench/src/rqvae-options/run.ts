/**
 * What each setting of the RQ-VAE trainer does to distortion, distinct codes and codewords in use: a training for each way,
 * several at once on one thread each. Figures are kept in a file for each, so that a run that was stopped goes on.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Figures, TableTask } from "./figures.js";
import { fileOf, type Way, WAYS } from "./settings.js";
import { tableOf } from "./table.js";

export interface TableOptions {
  /** Pattern of names. */
  readonly only: string | undefined;
  /** Trainings at once. */
  readonly threads: number;
  /** Folder of real data. */
  readonly data: string;
  /** Folder of the figures. */
  readonly folder: string;
  /** Few steps, to try the table itself. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const WORKER = fileURLToPath(new URL("worker.js", import.meta.url));
const QUICK = { steps: 100, pretraining: 50, onCollapse: "report" } as const;

/** Trains what has no figures yet, and prints the table. */
export async function measureWays(options: TableOptions): Promise<void> {
  const { only = "", threads, folder, data, say } = options;
  const rows = join(data, "industrial", "embeddings.npy");
  if (!existsSync(rows)) return say(`there is no ${rows}`);
  mkdirSync(folder, { recursive: true });
  const ways = WAYS.filter(({ name }) => new RegExp(only).test(name));
  const waiting = ways.filter((way) => figuresOf(way, options) === undefined);
  say(`${ways.length - waiting.length} of ${ways.length} are known; the others follow`);
  const work = async (): Promise<void> => {
    for (let way = waiting.shift(); way; way = waiting.shift()) {
      const figures = await train(way, rows, options);
      const path = join(folder, fileOf(way));
      writeFileSync(`${path}.tmp`, `${JSON.stringify(figures, null, 2)}\n`);
      renameSync(`${path}.tmp`, path);
      say(`${way.name}: ${figures.problem ?? figures.whole?.distortion.toFixed(4)}`);
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  say(`\n${tableOf(ways.map((way) => ({ way, figures: figuresOf(way, options) })))}`);
}

/** The figures of a way, unless they are missing or of other settings. */
function figuresOf(way: Way, options: TableOptions): Figures | undefined {
  const path = join(options.folder, fileOf(way));
  if (!existsSync(path)) return undefined;
  const figures = JSON.parse(readFileSync(path, "utf8")) as Figures;
  const same = JSON.stringify(figures.task) === JSON.stringify(taskOf(way, options));
  return same ? figures : undefined;
}

function taskOf({ settings, spec = "rqvae3x256" }: Way, { quick }: TableOptions): TableTask {
  return { spec, settings: quick ? { ...settings, ...QUICK } : settings, seed: 0 };
}

/** In a process of its own, which the signal ends. */
async function train(way: Way, rows: string, options: TableOptions): Promise<Figures> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [WORKER, rows, JSON.stringify(taskOf(way, options))],
    { signal: options.signal, killSignal: "SIGKILL" },
  );
  return JSON.parse(stdout) as Figures;
}
