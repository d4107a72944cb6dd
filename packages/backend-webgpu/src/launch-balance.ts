import type { BalanceOptions, BookShape } from "@tessera/core";
import { type Device, flat, tiled, type View } from "./device.js";
import { FAULT } from "./fault.js";
import {
  balanceCodesKernel,
  balanceColumnsKernel,
  balancePartsKernel,
  balanceRangesKernel,
  balanceRowsKernel,
  balanceScalingKernel,
} from "./kernels/balance.js";
import { rowDistancesKernel } from "./kernels/scan.js";
import { TILE } from "./kernels/tile.js";
import { CHUNK_ROWS } from "./launch-dense.js";
import { fitting, someOf } from "./parts.js";
import type { GpuTensor } from "./tensor.js";

export interface BalanceTask {
  readonly x: GpuTensor<"float32">;
  readonly books: GpuTensor<"float32">;
  readonly codes: GpuTensor<"int32">;
}

/** Codes by Sinkhorn's iterations, group by group. */
export function assignBalanced(
  device: Device,
  { x, books, codes }: BalanceTask,
  shape: BookShape,
  options: BalanceOptions,
): void {
  const { groups, codewords, dimension } = shape;
  for (let group = 0; group < groups; group++) {
    const book = someOf(books, group * codewords * dimension, codewords * dimension);
    balanceGroup(device, { x, book, codes }, group, shape, options);
  }
  device.settle({ inputs: [x, books], outputs: [codes], sources: [{ kind: FAULT.row }] });
}

interface GroupTask {
  readonly x: GpuTensor<"float32">;
  readonly book: View;
  readonly codes: GpuTensor<"int32">;
}

/** Some rows, and what is kept of them between kernels. */
interface SomeRows {
  readonly first: number;
  readonly rows: number;
  /** `[rows, columns]` */
  readonly distances: View;
  /** `[rows]` */
  readonly ofRows: View;
  /** `[chunks, columns, 2]` */
  readonly parts: View;
}

/** What rows and columns add to the scores, in turn; then the largest of each row. */
function balanceGroup(
  device: Device,
  { x, book, codes }: GroupTask,
  group: number,
  { groups, codewords: columns, dimension }: BookShape,
  { epsilon, iterations }: BalanceOptions,
): void {
  const rows = codes.shape[0]!;
  const chunks = Math.ceil(rows / CHUNK_ROWS);
  const distances = device.allocate(4 * rows * columns);
  const ranges = device.allocate(8 * rows);
  const scaling = device.allocate(16);
  const ofRows = device.allocate(4 * rows);
  const parts = device.allocate(8 * chunks * columns);
  const ofColumns = device.zeros(4 * columns);
  const blocks = blocksOf(
    device,
    rows,
    Math.max(columns, groups * dimension, 2),
    (first, some) => ({
      first,
      rows: some,
      distances: someOf({ storage: distances, start: 0 }, first * columns, some * columns),
      ofRows: someOf({ storage: ofRows, start: 0 }, first, some),
      parts: someOf(
        { storage: parts, start: 0 },
        (2 * first * columns) / CHUNK_ROWS,
        2 * Math.ceil(some / CHUNK_ROWS) * columns,
      ),
    }),
  );
  for (const block of blocks) {
    const width = groups * dimension;
    const skipped = group * dimension;
    device.run(rowDistancesKernel, {
      inputs: {
        asked: someOf(x, block.first * width + skipped, block.rows * width - skipped),
        rows: book,
      },
      outputs: { distances: block.distances },
      params: { queries: block.rows, columns, dimension, pitch: width, ip: 0 },
      workgroups: tiled(Math.ceil(block.rows / TILE), Math.ceil(columns / TILE)),
    });
    const ofBlock = someOf({ storage: ranges, start: 0 }, 2 * block.first, 2 * block.rows);
    device.run(balanceRangesKernel, {
      inputs: { distances: block.distances },
      outputs: { ranges: ofBlock },
      params: { rows: block.rows, columns, firstRow: block.first },
      workgroups: tiled(block.rows, 1),
    });
    device.run(balanceScalingKernel, {
      inputs: { ranges: ofBlock },
      outputs: { scaling },
      params: { rows: block.rows, epsilon, continues: block.first > 0 ? 1 : 0 },
      workgroups: [1, 1, 1],
    });
  }
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (const { rows: some, ...block } of blocks) {
      device.run(balanceRowsKernel, {
        inputs: { distances: block.distances, scaling, ofColumns },
        outputs: { ofRows: block.ofRows },
        params: { rows: some, columns },
        workgroups: tiled(some, 1),
      });
      const items = Math.ceil(some / CHUNK_ROWS) * columns;
      device.run(balancePartsKernel, {
        inputs: { distances: block.distances, scaling, ofRows: block.ofRows },
        updates: { parts: block.parts },
        outputs: {},
        params: { items, rows: some, columns, chunkRows: CHUNK_ROWS },
        workgroups: flat(items),
      });
    }
    device.run(balanceColumnsKernel, {
      inputs: { parts },
      outputs: { ofColumns },
      params: { items: columns, chunks },
      workgroups: flat(columns),
    });
  }
  for (const { first, rows: some, distances: ofBlock } of blocks) {
    device.run(balanceCodesKernel, {
      inputs: { distances: ofBlock, scaling, ofColumns },
      outputs: { codes: codes.rows(first, first + some) },
      params: { rows: some, columns, groups, group },
      workgroups: tiled(some, 1),
    });
  }
  const scratch = [distances, ranges, scaling, ofRows, parts, ofColumns];
  for (const storage of scratch) storage.release();
}

/** As many rows at a time as can be bound, which have at most `width` values of four bytes in any array. */
function blocksOf(
  device: Device,
  rows: number,
  width: number,
  make: (first: number, some: number) => SomeRows,
): readonly SomeRows[] {
  const fits = 4 * rows * width <= device.maxBound;
  const most = fits ? Math.max(1, rows) : fitting(device, 4 * width);
  const count = Math.ceil(rows / most);
  return Array.from({ length: count }, (_, i) => make(i * most, Math.min(most, rows - i * most)));
}
