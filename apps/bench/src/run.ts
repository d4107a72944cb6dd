import { join } from "node:path";
import { type BenchCase, type Entry, entryName } from "./case.js";
import { Child, UnsupportedError } from "./child.js";
import type { Contender, Standing } from "./contenders.js";
import type { DataFiles } from "./data.js";
import { judge } from "./judge.js";
import type { CodeFacts } from "./protocol.js";
import type { CaseReport, EntryReport, Recall } from "./results.js";
import { median } from "./statistics.js";

export interface RunSettings {
  readonly contenders: readonly Contender[];
  readonly standings: ReadonlyMap<string, Standing>;
  readonly data: DataFiles;
  /** A folder for what contenders give back. */
  readonly temporary: string;
  readonly rounds: number;
  readonly signal: AbortSignal;
}

/** One entry while its case runs. */
interface Runner {
  readonly entry: Entry;
  child: Child | undefined;
  readonly seconds: number[];
  quality?: number;
  recall?: Recall | undefined;
  bytesPerVector?: number | undefined;
  codes?: CodeFacts | undefined;
  peakBytes?: number;
  problem?: string;
}

interface Files {
  readonly rows: string;
  readonly codebook: string | undefined;
}

/** A turn lasts this long or one call, whichever is longer. */
const TURN_SECONDS = 0.25;
/** Threads of the one before may spin for a while before they sleep. */
const SETTLE_MILLISECONDS = 50;
const START_LIMIT_SECONDS = 120;

/** Measures a case: every entry in a process of its own, by turns. */
export async function runCase(benchmark: BenchCase, settings: RunSettings): Promise<CaseReport> {
  const { data, signal } = settings;
  const { rows: choice, codebookSize } = benchmark;
  const rows = await data.rows(choice);
  if (rows === undefined) {
    return report(
      benchmark,
      settings,
      [],
      `there is no ${choice.source}/embeddings.npy in the folder of real data`,
    );
  }
  const codebook =
    codebookSize === undefined ? undefined : await data.codebook(rows, choice, codebookSize);
  const runners: Runner[] = benchmark.entries.map((entry) => ({
    entry,
    child: undefined,
    seconds: [],
  }));
  try {
    await inTurn(runners, settings, (runner) =>
      prepare(runner, benchmark, { rows, codebook }, settings),
    );
    // The warm-up is a turn whose times are not kept.
    const first = benchmark.once ? 0 : -1;
    for (let round = first; round < roundsOf(benchmark, settings); round++) {
      await inTurn(runners, settings, async (runner) => {
        const turn = await runner.child!.run(TURN_SECONDS, benchmark.limitSeconds);
        if (round >= 0) runner.seconds.push(median(turn.seconds));
        runner.peakBytes = turn.peakBytes;
      });
    }
    await inTurn(runners, settings, async (runner) => {
      if (runner.entry.isCeiling) return;
      const path = join(settings.temporary, "result.npy");
      const facts = await runner.child!.result(path, benchmark.limitSeconds);
      runner.bytesPerVector = facts.bytesPerVector;
      runner.codes = facts.codes;
      const judgement = await judge(
        benchmark.outcome,
        path,
        await rowsOf(runner.entry, { rows, codebook }, settings),
        codebook,
      );
      runner.quality = judgement.quality;
      runner.recall = judgement.recall;
    });
  } finally {
    await Promise.all(runners.map(({ child }) => child?.stop()));
  }
  signal.throwIfAborted();
  return report(benchmark, settings, runners);
}

function roundsOf({ once }: BenchCase, { rounds }: RunSettings): number {
  return once ? 1 : rounds;
}

/** Lets each runner that is still in the race do something, one after another. */
async function inTurn(
  runners: readonly Runner[],
  { signal }: RunSettings,
  action: (runner: Runner) => Promise<void>,
): Promise<void> {
  for (const runner of runners) {
    if (runner.problem !== undefined) continue;
    try {
      await action(runner);
    } catch (error) {
      signal.throwIfAborted();
      const message = (error as Error).message;
      runner.problem = error instanceof UnsupportedError ? `skipped: ${message}` : message;
      await runner.child?.stop();
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS));
  }
}

async function prepare(
  runner: Runner,
  benchmark: BenchCase,
  files: Files,
  settings: RunSettings,
): Promise<void> {
  const { entry } = runner;
  const standing = settings.standings.get(entry.contender);
  if (standing === undefined) throw new Error(`there is no contender ${entry.contender}`);
  if ("skipped" in standing) throw new UnsupportedError("see the list of contenders");
  const rows = await rowsOf(entry, files, settings);
  const { child } = await Child.start(standing.launch, START_LIMIT_SECONDS, settings.signal);
  runner.child = child;
  await child.prepare(
    {
      kind: entry.kind ?? benchmark.kind,
      rows,
      ...(files.codebook === undefined ? {} : { codebook: files.codebook }),
      parameters: { ...benchmark.parameters, ...entry.parameters },
    },
    benchmark.limitSeconds,
  );
}

async function rowsOf({ rows }: Entry, files: Files, { data }: RunSettings): Promise<string> {
  const path = rows === undefined ? files.rows : await data.rows(rows);
  if (path === undefined) throw new Error(`there is no ${rows?.source}/embeddings.npy`);
  return path;
}

function report(
  benchmark: BenchCase,
  settings: RunSettings,
  runners: readonly Runner[],
  skipped?: string,
): CaseReport {
  const { name, title, outcome, reference, notes = [], work } = benchmark;
  const { contenders } = settings;
  const entries = runners.map((runner): EntryReport => {
    const { entry, seconds, quality, recall, bytesPerVector, codes, peakBytes, problem } = runner;
    const contender = contenders.find(({ id }) => id === entry.contender);
    const amount = entry.work ?? work;
    const base = contender?.title ?? entry.contender;
    return {
      entry: entryName(entry),
      title: entry.title ?? [base, ...(entry.variant ? [entry.variant] : [])].join(", "),
      isCeiling: entry.isCeiling ?? false,
      ...(entry.ceiling === undefined ? {} : { ceiling: entry.ceiling }),
      ...(amount === undefined ? {} : { work: amount }),
      ...(seconds.length < roundsOf(benchmark, settings) ? {} : { seconds }),
      ...(quality === undefined ? {} : { quality }),
      ...(recall === undefined ? {} : { recall }),
      ...(bytesPerVector === undefined ? {} : { bytesPerVector }),
      ...(codes === undefined ? {} : { codes }),
      ...(peakBytes === undefined ? {} : { peakBytes }),
      ...(problem === undefined ? {} : { problem }),
    };
  });
  return {
    name,
    title,
    outcome,
    reference,
    notes,
    entries,
    ...(skipped === undefined ? {} : { skipped }),
  };
}
