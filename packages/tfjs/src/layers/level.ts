import {
  gather,
  greater,
  sub,
  type Tensor1D,
  tensor1d,
  type Tensor2D,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import type { LayerVariable } from "@tensorflow/tfjs-layers";
import { averaged, type AveragesSettings } from "../codebook/averages.js";
import { columnOf } from "../codebook/levels.js";
import { lookUp, nearest } from "../codebook/nearest.js";

/** The weights of one level. */
export interface Level {
  readonly codebook: LayerVariable;
  /** Unless the codebook learns by gradient. */
  readonly averages?: Readonly<Record<"counts" | "sums" | "ages", LayerVariable>>;
}

/** Draws up to `count` different ones of 0..n − 1, for a level. */
export type Draw = (level: number, n: number, count: number) => Uint32Array;

/** Has codewords start as rows of the batch, level after level, unless they have started before. */
export function startLevels(
  levels: readonly Level[],
  started: LayerVariable,
  rows: Tensor2D,
  draw: Draw,
): void {
  let left = rows;
  levels.forEach(({ codebook }, l) => {
    const drawn = drawRows(left, codebook, l, draw);
    codebook.write(where(greater(started.read(), 0), codebook.read(), drawn));
    const now = codebook.read() as Tensor2D;
    if (l + 1 < levels.length) left = sub(left, lookUp(now, nearest(left, now)));
  });
  started.write(tensor1d([1]));
}

/** Moves the averages and codewords of all levels on by a batch. */
export function averageLevels(
  levels: readonly Level[],
  rows: Tensor2D,
  codes: Tensor2D,
  settings: AveragesSettings,
  draw: Draw,
): void {
  let left = rows;
  levels.forEach(({ codebook, averages }, l) => {
    const column = columnOf(codes, l);
    const before = codebook.read() as Tensor2D;
    const next = sub<Tensor2D>(left, lookUp(before, column));
    if (averages) {
      const { counts, sums, ages } = averages;
      const moved = averaged(
        {
          codebook: before,
          counts: counts.read() as Tensor1D,
          sums: sums.read() as Tensor2D,
          ages: ages.read() as Tensor1D,
        },
        left,
        column,
        drawRows(left, codebook, l, draw),
        settings,
      );
      codebook.write(moved.codebook);
      counts.write(moved.counts);
      sums.write(moved.sums);
      ages.write(moved.ages);
    }
    left = next;
  });
}

/** Sets a level's codewords, without a past. */
export function writeLevel({ codebook, averages }: Level, values: Tensor2D): void {
  codebook.write(values);
  for (const each of Object.values(averages ?? {})) each.write(zerosLike(each.read()));
}

/** A row for each codeword; some twice if there are fewer rows. */
function drawRows(rows: Tensor2D, codebook: LayerVariable, level: number, draw: Draw): Tensor2D {
  const size = codebook.shape[0]!;
  const n = rows.shape[0];
  const drawn = draw(level, n, Math.min(n, size));
  const indices = Int32Array.from({ length: size }, (_, k) => drawn[k % drawn.length]!);
  return gather(rows, tensor1d(indices, "int32"));
}
