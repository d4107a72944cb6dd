import type { CompleteBackend } from "@tessera/core";
import type { BenchmarkCase } from "./case.js";

/** A backend in the comparison. */
export interface Contender {
  readonly name: string;
  readonly backend: CompleteBackend;
}

export interface Measurement {
  readonly case: string;
  readonly contender: string;
  /** Milliseconds of a run: the middle one of all rounds, and the shortest. */
  readonly median: number;
  readonly best: number;
  /** 10⁹ operations per second, by the median. */
  readonly gflops: number;
}

/** Times a case on all contenders in turn, round after round, so that a busy spell hits them alike. */
export async function measure(
  benchmark: BenchmarkCase,
  contenders: readonly Contender[],
  rounds: number,
): Promise<Measurement[]> {
  const prepared = contenders.map(({ backend }) => benchmark.setup(backend));
  for (const { run } of prepared) {
    for (let i = 0; i < 3; i++) await run();
  }
  const times: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { run }] of prepared.entries()) {
      const start = performance.now();
      await run();
      times[i]!.push(performance.now() - start);
    }
  }
  for (const { dispose } of prepared) dispose();
  return contenders.map(({ name }, i) => {
    const sorted = times[i]!.sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1]!;
    return {
      case: benchmark.name,
      contender: name,
      median,
      best: sorted[0]!,
      gflops: benchmark.work / median / 1e6,
    };
  });
}
