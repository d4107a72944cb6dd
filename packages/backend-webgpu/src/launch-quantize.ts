import type { BookShape } from "@tessera/core";
import type { QuantizeExtents } from "@tessera/core/arguments";
import { type Device, flat, tiled, type View } from "./device.js";
import { FAULT } from "./fault.js";
import { assignKernel, distancesKernel, scoreStartsKernel } from "./kernels/assign.js";
import { takeLevelKernel } from "./kernels/quantize.js";
import { TILE } from "./kernels/tile.js";
import { addParts, addRows, clusterParts, type ClusterRows } from "./launch-codebooks.js";
import { inParts, someOf } from "./parts.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

export interface QuantizeTensors {
  readonly z: Floats;
  readonly codebooks: Floats;
  readonly sums: Floats | undefined;
  readonly codes: GpuTensor<"int32">;
  readonly distances: Floats;
  readonly output: Floats;
  readonly pull: Floats;
  readonly counts: Floats;
}

/**
 * All levels in turn: each chooses, takes its codewords away, and adds up what its clusters are left with. Rows that cannot
 * be bound at once go through a level in parts.
 */
export function quantize(device: Device, tensors: QuantizeTensors, extents: QuantizeExtents): void {
  const { z, codebooks, sums, codes, distances, output, pull, counts } = tensors;
  const { rows, groups, dimension, codewords: all, levels } = extents;
  const starts = device.allocate(4 * groups * all);
  device.run(scoreStartsKernel, {
    inputs: { codebooks },
    outputs: { starts },
    params: { items: groups * all, dimension, ip: 0, slot: 1, base: 0 },
    workgroups: flat(groups * all),
  });
  let left: View = { storage: z.storage.retain(), start: z.start };
  let before = 0;
  levels.forEach(({ codewords, pullWeight, sumWeight }, l) => {
    const slices = rows * groups;
    const books = groups * codewords;
    const level: Level = {
      shape: { groups, codewords, dimension },
      book: someOf(codebooks, groups * before * dimension, books * dimension),
      starts: { storage: starts, start: groups * before },
      x: left,
      left: device.allocate(4 * slices * dimension),
      codes: someOf(codes, l * slices, slices),
      distances: someOf(distances, l * slices, slices),
      weight: pullWeight,
      first: l === 0,
    };
    const clusters = { rows, ...level.shape };
    const parts = clusterParts(device, clusters);
    inParts(device, { output, pull }, (part, firstRow) => {
      const some = quantizeRows(device, level, part, firstRow);
      addRows(device, parts, some, { ...clusters, rows: part.output.shape[0]! }, firstRow);
    });
    left.storage.release();
    left = { storage: level.left, start: 0 };
    const totals = {
      sums: sums && someOf(sums, groups * before * dimension, books * dimension),
      counts: someOf(counts, groups * before, books),
      factor: sumWeight,
    };
    addParts(device, parts, totals, clusters);
    before += codewords;
  });
  left.storage.release();
  starts.release();
  const sources = [{ kind: FAULT.row, columns: groups }, { kind: FAULT.codeword }] as const;
  const outputs = [codes, distances, output, pull, counts, ...(sums ? [sums] : [])];
  device.settle({ inputs: [z, codebooks, ...(sums ? [sums] : [])], outputs, sources });
}

/** What a level works with: all rows of everything. */
interface Level {
  readonly shape: BookShape;
  readonly book: View;
  readonly starts: View;
  /** What the levels before left. */
  readonly x: View;
  readonly left: Storage;
  readonly codes: View;
  readonly distances: View;
  /** Of what is left in the pull. */
  readonly weight: number;
  readonly first: boolean;
}

/** Takes some rows through a level. Returns what their clusters are made of. */
function quantizeRows(
  device: Device,
  level: Level,
  { output, pull }: { readonly output: Floats; readonly pull: Floats },
  firstRow: number,
): ClusterRows {
  const { shape, book, weight } = level;
  const { groups, dimension } = shape;
  const rows = output.shape[0]!;
  const slices = rows * groups;
  const base = firstRow * groups;
  const inputs = { x: someOf(level.x, base * dimension, slices * dimension), codebooks: book };
  const codes = someOf(level.codes, base, slices);
  device.run(assignKernel, {
    inputs: { ...inputs, starts: level.starts },
    updates: { codes },
    outputs: {},
    params: { rows, ...shape },
    workgroups: tiled(Math.ceil(rows / TILE), groups),
  });
  device.run(distancesKernel, {
    inputs: { ...inputs, codes },
    updates: { distances: someOf(level.distances, base, slices) },
    outputs: {},
    params: { items: slices, ...shape, count: 1, ip: 0, base },
    workgroups: flat(slices),
  });
  const left = someOf({ storage: level.left, start: 0 }, base * dimension, slices * dimension);
  device.run(takeLevelKernel, {
    inputs: { ...inputs, codes },
    outputs: { left, output, pull },
    params: { items: slices * dimension, ...shape, weight, first: level.first ? 1 : 0 },
    workgroups: flat(slices * dimension),
  });
  return { x: left, codes, weights: undefined };
}
