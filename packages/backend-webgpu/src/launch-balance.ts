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
import type { Storage } from "./storage.js";
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
    const rows = { storage: x.storage, start: x.start + group * dimension };
    const book = { storage: books.storage, start: books.start + group * codewords * dimension };
    balanceGroup(device, { x: rows, book, codes }, group, shape, options);
  }
  device.settle({ inputs: [x, books], outputs: [codes], sources: [{ kind: FAULT.row }] });
}

interface GroupTask {
  readonly x: View;
  readonly book: View;
  readonly codes: GpuTensor<"int32">;
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
  const held: Storage[] = [];
  const hold = (storage: Storage): Storage => {
    held.push(storage);
    return storage;
  };
  const distances = hold(device.allocate(4 * rows * columns));
  device.run(rowDistancesKernel, {
    inputs: { asked: x, rows: book },
    outputs: { distances },
    params: { queries: rows, columns, dimension, pitch: groups * dimension, ip: 0 },
    workgroups: tiled(Math.ceil(rows / TILE), Math.ceil(columns / TILE)),
  });
  const ranges = hold(device.allocate(8 * rows));
  device.run(balanceRangesKernel, {
    inputs: { distances },
    outputs: { ranges },
    params: { rows, columns },
    workgroups: tiled(rows, 1),
  });
  const scaling = hold(device.allocate(8));
  device.run(balanceScalingKernel, {
    inputs: { ranges },
    outputs: { scaling },
    params: { rows, epsilon },
    workgroups: [1, 1, 1],
  });
  const chunks = Math.ceil(rows / CHUNK_ROWS);
  const ofRows = hold(device.allocate(4 * rows));
  const parts = hold(device.allocate(8 * chunks * columns));
  const ofColumns = hold(device.zeros(4 * columns));
  for (let iteration = 0; iteration < iterations; iteration++) {
    device.run(balanceRowsKernel, {
      inputs: { distances, scaling, ofColumns },
      outputs: { ofRows },
      params: { rows, columns },
      workgroups: tiled(rows, 1),
    });
    device.run(balancePartsKernel, {
      inputs: { distances, scaling, ofRows },
      outputs: { parts },
      params: { items: chunks * columns, rows, columns, chunkRows: CHUNK_ROWS },
      workgroups: flat(chunks * columns),
    });
    device.run(balanceColumnsKernel, {
      inputs: { parts },
      outputs: { ofColumns },
      params: { items: columns, chunks },
      workgroups: flat(columns),
    });
  }
  device.run(balanceCodesKernel, {
    inputs: { distances, scaling, ofColumns },
    outputs: { codes },
    params: { rows, columns, groups, group },
    workgroups: tiled(rows, 1),
  });
  for (const storage of held) storage.release();
}
