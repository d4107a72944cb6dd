/**
 * `npm run bench`: Tessera and its peers, measured by turns in one run on the same data. README.md says what is measured.
 */
import { setMaxListeners } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { allCases } from "./cases/index.js";
import { type BenchCase, entryName } from "./case.js";
import { type Contender, contenders, type Hosts, meetAll, type Standing } from "./contenders.js";
import { measureCrossovers } from "./crossovers.js";
import { DataFiles } from "./data.js";
import { evaluateTargets } from "./evaluate.js";
import { describeMachine } from "./environment/machine.js";
import { prepareNpm } from "./environment/npm.js";
import { preparePython } from "./environment/python.js";
import { renderMarkdown } from "./markdown.js";
import { type Options, parseOptions, USAGE } from "./options.js";
import { joinReports, type CaseReport, type ContenderReport, type Report } from "./results.js";
import { measureWays } from "./rqvae-options/run.js";
import { runCase } from "./run.js";
import { formatCase, formatContenders, formatVerdicts } from "./table.js";
import { TARGETS } from "./targets.js";

const FOLDER = fileURLToPath(new URL("../", import.meta.url));
const CACHE = join(FOLDER, ".bench-env");

const say = (line: string): void => console.log(line);

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return say(USAGE);
  if (options.render !== undefined) {
    return say(renderMarkdown(JSON.parse(readFileSync(options.render, "utf8")) as Report));
  }
  if (options.crossovers) return measureCrossovers(options.rounds, say);
  const cases = chosenCases(options);
  if (options.list) return cases.forEach(({ name, title }) => say(`${name.padEnd(22)} ${title}`));
  const stop = new AbortController();
  // Every process of a contender listens.
  setMaxListeners(0, stop.signal);
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop.abort());
  const temporary = mkdtempSync(join(tmpdir(), "tessera-bench-"));
  try {
    if (options.rqvaeOptions) return await measureTable(options, stop.signal);
    const report = await measure(cases, options, temporary, stop.signal);
    say(`\nTargets\n${formatVerdicts(evaluateTargets(TARGETS, report.cases))}`);
    if (options.json !== undefined) {
      const whole = existsSync(options.json)
        ? joinReports(JSON.parse(readFileSync(options.json, "utf8")) as Report, report)
        : report;
      writeFileSync(options.json, `${JSON.stringify(whole, null, 2)}\n`);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    console.error("interrupted");
    process.exitCode = 130;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function measureTable(options: Options, signal: AbortSignal): Promise<void> {
  const folder = options.quick
    ? join(CACHE, "rqvae-options")
    : join(FOLDER, "results/rqvae-options");
  return measureWays({ ...options, folder, signal, say });
}

async function measure(
  cases: readonly BenchCase[],
  options: Options,
  temporary: string,
  signal: AbortSignal,
): Promise<Report> {
  const { rounds, threads, quick } = options;
  const machine = describeMachine();
  say(
    `${machine.processor}, ${machine.cores} cores, ${machine.memory}; ${machine.system}, Node ${machine.node}`,
  );
  say(
    `${threads} threads each, medians of ${rounds} alternating rounds${quick ? "; quick: figures mean nothing" : ""}`,
  );
  const list = contenders(threads).filter(({ id }) =>
    cases.some(({ entries }) => entries.some(({ contender }) => contender === id)),
  );
  const standings = await meetAll(list, await prepareHosts(list, options, signal));
  const met = list.map(({ id, title }) => contenderReport(id, title, standings.get(id)!));
  say(formatContenders(met));
  const data = new DataFiles(join(CACHE, "data"), temporary, options.data);
  const reports: CaseReport[] = [];
  for (const benchmark of cases) {
    const report = await runCase(benchmark, {
      contenders: list,
      standings,
      data,
      temporary,
      rounds,
      signal,
    });
    say(formatCase(report));
    reports.push(report);
  }
  const date = new Date().toISOString();
  return { date, machine, threads, rounds, quick, contenders: met, cases: reports };
}

function chosenCases({ quick, threads, only = "", contenders = "" }: Options): BenchCase[] {
  const [names, entries] = [new RegExp(only), new RegExp(contenders)];
  return allCases(quick, threads)
    .filter(({ name }) => names.test(name))
    .map((one) =>
      Object.assign(one, { entries: one.entries.filter((e) => entries.test(entryName(e))) }),
    );
}

/** Gets the libraries that the contenders need. */
async function prepareHosts(
  list: readonly Contender[],
  { python, threads }: Options,
  signal: AbortSignal,
): Promise<Hosts> {
  const peers = join(FOLDER, "peers");
  const needs = (runs: Contender["runs"]): boolean => list.some((one) => one.runs === runs);
  const attempt = async <T>(make: () => Promise<T>, failed: (message: string) => T): Promise<T> => {
    try {
      return await make();
    } catch (error) {
      signal.throwIfAborted();
      return failed((error as Error).message);
    }
  };
  const prepared = async () => ({
    path: await preparePython({
      given: python,
      folder: join(CACHE, "python"),
      requirements: join(peers, "requirements.txt"),
      signal,
      say,
    }),
  });
  return {
    threads,
    signal,
    python: needs("python")
      ? await attempt<Hosts["python"]>(prepared, (missing) => ({ missing }))
      : { missing: "no case needs it" },
    npmMissing: needs("npm")
      ? await attempt<string | undefined>(
          () => prepareNpm(peers, signal, say),
          (message) => `npm install failed: ${message}`,
        )
      : undefined,
  };
}

function contenderReport(id: string, title: string, standing: Standing): ContenderReport {
  if ("skipped" in standing) return { id, title, skipped: standing.skipped };
  const { name, details, startBytes } = standing.greeting;
  return { id, title, name, details, startBytes };
}

await main();
