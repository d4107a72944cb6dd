/** Reports for tests. */
import type { CaseReport, EntryReport } from "../results.js";

export function entryReport(entry: string, values: Partial<EntryReport> = {}): EntryReport {
  return { entry, title: entry, isCeiling: false, ...values };
}

export function caseReport(
  name: string,
  entries: readonly EntryReport[],
  values: Partial<CaseReport> = {},
): CaseReport {
  return { name, title: name, outcome: "codes", reference: "faiss", notes: [], entries, ...values };
}
