import type { BookShape } from "@tessera/core";
import type { ClusterExtents } from "@tessera/core/arguments";
import { type Device, flat, type View } from "./device.js";
import { FAULT } from "./fault.js";
import { clusterChunksKernel, clusterTotalsKernel } from "./kernels/clusters.js";
import { gatherKernel, residualKernel, takeKernel } from "./kernels/codebooks.js";
import { fitting, inParts } from "./parts.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

export function gather(
  device: Device,
  books: GpuTensor<"float32">,
  chosen: GpuTensor<"int32">,
  gathered: GpuTensor<"float32">,
  { groups, codewords, dimension }: BookShape,
): void {
  inParts(device, { codes: chosen, out: gathered }, ({ codes, out }) => {
    device.run(gatherKernel, {
      inputs: { codebooks: books, codes },
      outputs: { out },
      params: { items: out.size, groups, codewords, dimension },
      workgroups: flat(out.size),
    });
    device.settle({
      inputs: [books, codes],
      outputs: [out],
      sources: [{ kind: FAULT.code, columns: groups, limit: codewords, values: codes }],
    });
  });
}

export interface ResidualTensors {
  readonly x: GpuTensor<"float32">;
  readonly books: GpuTensor<"float32">;
  readonly codes: GpuTensor<"int32">;
  readonly parents: GpuTensor<"int32"> | undefined;
  readonly out: GpuTensor<"float32">;
}

export function residual(
  device: Device,
  { books, ...tensors }: ResidualTensors,
  shape: BookShape,
): void {
  const { x, ...rows } = tensors;
  // Parents are anywhere in x.
  if (tensors.parents) {
    inParts(device, rows, (part) => residualOf(device, { ...part, x, books }, shape));
  } else inParts(device, tensors, (part) => residualOf(device, { ...part, books }, shape));
}

/**
 * Calls `visit` with all rows of x, or with those that can be bound at a time, after one another, for a kernel that makes what
 * it can of them. Without rows, it is called once.
 */
function forRows(
  device: Device,
  x: GpuTensor<"float32">,
  visit: (x: GpuTensor<"float32">, first: number, bound: number) => void,
): void {
  const [rows, width] = x.shape as [number, number];
  const most = x.bytes <= device.maxBound ? Math.max(1, rows) : fitting(device, 4 * width);
  for (let first = 0; first === 0 || first < rows; first += most) {
    const bound = Math.min(most, rows - first);
    visit(x.rows(first, first + bound), first, bound);
  }
}

function residualOf(
  device: Device,
  { x, books, codes, parents, out }: ResidualTensors,
  { groups, codewords, dimension }: BookShape,
): void {
  const rows = x.shape[0]!;
  const hasParents = parents ? 1 : 0;
  forRows(device, x, (some, first, bound) =>
    device.run(residualKernel, {
      inputs: { x: some, codebooks: books, codes, parents: parents ?? device.unused },
      outputs: { out },
      params: { items: out.size, groups, codewords, dimension, rows, first, bound, hasParents },
      workgroups: flat(out.size),
    }),
  );
  device.settle({
    inputs: [x, books, codes, ...(parents ? [parents] : [])],
    outputs: [out],
    sources: [
      { kind: FAULT.code, columns: groups, limit: codewords, values: codes },
      { kind: FAULT.parent, limit: rows, ...(parents && { values: parents }) },
    ],
  });
}

export function take(
  device: Device,
  x: GpuTensor<"float32">,
  chosen: GpuTensor<"int32">,
  taken: GpuTensor<"float32">,
): void {
  const [rows, width] = x.shape as [number, number];
  inParts(device, { indices: chosen, out: taken }, ({ indices, out }) => {
    // Without rows, all indices are at fault.
    forRows(device, x, (some, first, bound) =>
      device.run(takeKernel, {
        inputs: { x: some, indices },
        outputs: { out },
        params: { items: out.size, width, rows, first, bound },
        workgroups: flat(out.size),
      }),
    );
    device.settle({
      inputs: [x, indices],
      outputs: [out],
      sources: [{ kind: FAULT.index, limit: rows, values: indices }],
    });
  });
}

/** Rows of a chunk at least: enough that adding the chunks together costs little beside adding the rows. */
const CHUNK_ROWS = 256;

/** Values of all chunks' partial sums at most, 32 MiB with what they lost. */
const PARTIAL_VALUES = 2 ** 22;

export interface ClusterTensors {
  readonly x: GpuTensor<"float32">;
  readonly codes: GpuTensor<"int32">;
  readonly weights: GpuTensor<"float32"> | undefined;
  readonly sums: GpuTensor<"float32">;
  readonly counts: GpuTensor<"float32">;
}

export function sumClusters(
  device: Device,
  { sums, counts, ...tensors }: ClusterTensors,
  extents: ClusterExtents,
): void {
  const { groups, codewords } = extents;
  const parts = clusterParts(device, extents);
  inParts(device, tensors, (rows, firstRow) => {
    const { x, codes, weights } = rows;
    addRows(device, parts, rows, { ...extents, rows: x.shape[0]! }, firstRow);
    device.settle({
      inputs: [x, codes, ...(weights ? [weights] : [])],
      outputs: [sums, counts],
      sources: [{ kind: FAULT.code, columns: groups, limit: codewords, values: codes }],
    });
  });
  addParts(device, parts, { sums, counts, factor: 1 }, extents);
}

export interface ClusterRows {
  readonly x: View | Storage;
  readonly codes: View;
  readonly weights: View | undefined;
}

interface ClusterTotals {
  /** Undefined where the counts are wanted alone. */
  readonly sums: View | undefined;
  readonly counts: View;
  /** Of the sums. */
  readonly factor: number;
}

/** Sums of clusters by chunks of rows. */
export interface ClusterParts {
  readonly partials: Storage;
  readonly chunks: number;
  readonly chunkRows: number;
}

/** Sums of nothing yet. */
export function clusterParts(device: Device, extents: ClusterExtents): ClusterParts {
  const { rows } = extents;
  const totals = totalsOf(extents);
  const most = Math.max(1, Math.floor(PARTIAL_VALUES / totals));
  const chunkRows = Math.max(CHUNK_ROWS, Math.ceil(rows / most));
  const chunks = Math.ceil(rows / chunkRows);
  return { partials: device.zeros(8 * chunks * totals), chunks, chunkRows };
}

function totalsOf({ groups, codewords, dimension }: ClusterExtents): number {
  return groups * codewords * (dimension + 1);
}

/**
 * Adds rows, of which the first is `firstRow` of all, to the chunks that they are of. A code out of range is reported in
 * slot 0.
 */
export function addRows(
  device: Device,
  { partials, chunkRows }: ClusterParts,
  { x, codes, weights }: ClusterRows,
  { rows, groups, codewords, dimension }: ClusterExtents,
  firstRow: number,
): void {
  const chunks = Math.ceil((firstRow + rows) / chunkRows) - Math.floor(firstRow / chunkRows);
  const items = chunks * groups * (dimension + 1);
  device.run(clusterChunksKernel, {
    inputs: { x, codes, weights: weights ?? device.unused },
    outputs: { partials },
    params: {
      items,
      firstRow,
      rows,
      groups,
      codewords,
      dimension,
      chunkRows,
      weighted: weights ? 1 : 0,
    },
    workgroups: flat(items),
  });
}

/** Adds the chunks together, which are gone then. */
export function addParts(
  device: Device,
  { partials, chunks }: ClusterParts,
  { sums, counts, factor }: ClusterTotals,
  extents: ClusterExtents,
): void {
  const items = totalsOf(extents);
  device.run(clusterTotalsKernel, {
    inputs: { partials },
    updates: { sums: sums ?? device.spare, counts },
    outputs: {},
    params: {
      items,
      dimension: extents.dimension,
      chunks,
      weight: factor,
      keepsSums: sums ? 1 : 0,
    },
    workgroups: flat(items),
  });
  partials.release();
}
