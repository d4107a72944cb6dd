import type { Outcome, Work } from "./case.js";
import type { Machine } from "./environment/machine.js";
import type { CodeFacts } from "./protocol.js";
import { median } from "./statistics.js";

/** Everything that a run of the bench found; what `--json` writes. */
export interface Report {
  readonly date: string;
  readonly machine: Machine;
  readonly threads: number;
  readonly rounds: number;
  /** Small sizes, to try the bench itself. */
  readonly quick: boolean;
  readonly contenders: readonly ContenderReport[];
  readonly cases: readonly CaseReport[];
}

export interface ContenderReport {
  readonly id: string;
  readonly title: string;
  /** Library and version. */
  readonly name?: string;
  readonly details?: readonly string[];
  /** Resident memory with the library loaded and no data. */
  readonly startBytes?: number;
  /** Why it takes no part. */
  readonly skipped?: string;
}

export interface CaseReport {
  readonly name: string;
  readonly title: string;
  readonly outcome: Outcome;
  readonly reference: string;
  readonly notes: readonly string[];
  readonly entries: readonly EntryReport[];
  /** Why it did not run. */
  readonly skipped?: string;
}

/** Shares of the true k nearest among the first k found. */
export interface Recall {
  readonly at1: number;
  readonly at10: number;
  readonly at100: number;
}

export interface EntryReport {
  /** Unique in the case. */
  readonly entry: string;
  readonly title: string;
  readonly isCeiling: boolean;
  /** The entry that measures what this one could reach. */
  readonly ceiling?: string;
  readonly work?: Work;
  /** One of each round: the median of its calls. */
  readonly seconds?: readonly number[];
  readonly quality?: number;
  readonly peakBytes?: number;
  /** Of a search: recall at 1, 10 and 100, and the bytes that the index keeps of a row. */
  readonly recall?: Recall;
  readonly bytesPerVector?: number;
  /** Of a model that names rows. */
  readonly codes?: CodeFacts;
  /** Why there are no seconds, or no quality. */
  readonly problem?: string;
}

/**
 * Two runs of different cases on one machine as one report; a case of both, and a contender, is as the later run found it.
 *
 * @throws {RangeError} if they were not measured alike
 */
export function joinReports(earlier: Report, later: Report): Report {
  const settings = ({ machine, threads, rounds, quick }: Report): string =>
    JSON.stringify([machine, threads, rounds, quick]);
  if (settings(earlier) !== settings(later)) {
    throw new RangeError("the file holds figures of another machine, or of other settings");
  }
  const joined = <T>(kind: (report: Report) => readonly T[], key: (one: T) => string): T[] => [
    ...new Map([...kind(earlier), ...kind(later)].map((one) => [key(one), one])).values(),
  ];
  return {
    ...later,
    contenders: joined(
      ({ contenders }) => contenders,
      ({ id }) => id,
    ),
    cases: joined(
      ({ cases }) => cases,
      ({ name }) => name,
    ),
  };
}

/** Median seconds of a call. */
export function medianSeconds(entry: EntryReport | undefined): number | undefined {
  return entry?.seconds === undefined ? undefined : median(entry.seconds);
}

/** Work done in a second; calls, where the work is not counted. */
export function rate(entry: EntryReport | undefined): number | undefined {
  const seconds = medianSeconds(entry);
  return seconds === undefined ? undefined : (entry?.work?.amount ?? 1) / seconds;
}

/** How many times as fast `entry` is as `other`. */
export function speedRatio(
  entry: EntryReport | undefined,
  other: EntryReport | undefined,
): number | undefined {
  const [own, others] = [rate(entry), rate(other)];
  return own === undefined || others === undefined ? undefined : own / others;
}

export function entryNamed({ entries }: CaseReport, name: string): EntryReport | undefined {
  return entries.find(({ entry }) => entry === name);
}
