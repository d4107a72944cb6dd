/**
 * Charts and tables of the bench's committed results, drawn when the site is built. A guide asks for one by a fence:
 *
 *     ```bench
 *     { "bars": "assign-256", "entries": ["native", "wasm", "faiss"] }
 *     ```
 *
 * `bars` names a case, whose entries' times are drawn; `recall` and `recallTable` name cases of search.
 */
import { readFileSync } from "node:fs";
import type { CaseReport, Report } from "../../../apps/bench/src/results.js";
import { barChart } from "../bench/bars.js";
import { recallChart, recallTable } from "../bench/recall.js";

type Request =
  | { readonly bars: string; readonly entries: readonly string[] }
  | { readonly recall: Readonly<Record<string, string>> }
  | { readonly recallTable: Readonly<Record<string, string>> };

const results = new URL("../../../apps/bench/results/epyc-2-cores.json", import.meta.url);

/** @throws {Error} for a case or an entry that the results do not have */
export function drawBench(content: string): string {
  const request = JSON.parse(content) as Request;
  const report = JSON.parse(readFileSync(results, "utf8")) as Report;
  const caseNamed = (name: string): CaseReport => {
    const found = report.cases.find((one) => one.name === name);
    if (found === undefined) throw new Error(`the bench's results have no case "${name}"`);
    return found;
  };
  const casesBySpec = (specs: Readonly<Record<string, string>>) =>
    Object.entries(specs).map(([name, spec]) => ({ spec, report: caseNamed(name) }));

  if ("bars" in request) return barChart(caseNamed(request.bars), request.entries);
  if ("recall" in request) return recallChart(casesBySpec(request.recall));
  return recallTable(casesBySpec(request.recallTable));
}
