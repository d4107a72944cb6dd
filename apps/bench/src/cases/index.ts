import type { BenchCase, RowsChoice } from "../case.js";
import { assignCase } from "./assign.js";

/** All cases, with sizes that are small if the bench itself is to be tried. */
export function allCases(quick: boolean, threads: number): BenchCase[] {
  const hundred = synthetic(quick ? 5_000 : 100_000);
  const million = synthetic(quick ? 20_000 : 1_000_000);
  const words: RowsChoice = { source: "words", rows: 100_000, cols: 100 };
  return [
    ...[256, 1024, 4096].map((size) => assignCase(`assign-${size}`, hundred, size, threads)),
    assignCase("assign-256-1m", million, 256, threads),
    assignCase("assign-256-words", words, 256, threads),
  ];
}

function synthetic(rows: number): RowsChoice {
  return { source: "synthetic", rows, cols: 128 };
}
