import { availableParallelism, cpus, release, totalmem, type as systemType } from "node:os";
import type { Measurement } from "./measure.js";

export interface Report {
  readonly machine: Machine;
  /** 10⁹ operations per second that one thread reaches at most, by engine; see ceiling.ts. */
  readonly ceilings: Readonly<Record<string, number>>;
  readonly rounds: number;
  readonly measurements: readonly Measurement[];
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory: string;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${systemType()} ${release()}`,
    node: process.version,
  };
}

/** The report as text: a table per case. */
export function formatReport({ machine, ceilings, rounds, measurements }: Report): string {
  const lines = [
    `${machine.processor}, ${machine.cores} cores, ${machine.memory}; ${machine.system}, Node ${machine.node}`,
    `median of ${rounds} alternating rounds`,
    ...Object.entries(ceilings).map(
      ([engine, gflops]) => `${engine}: ${gflops.toFixed(1)} GFLOP/s a thread at most`,
    ),
  ];
  let last = "";
  for (const m of measurements) {
    if (m.case !== last) lines.push("", m.case);
    last = m.case;
    lines.push(
      `  ${m.contender.padEnd(24)} ${m.median.toFixed(2).padStart(9)} ms ${m.gflops.toFixed(1).padStart(7)} GFLOP/s` +
        `   best ${m.best.toFixed(2)} ms`,
    );
  }
  return lines.join("\n");
}
