import { type Device, flat, tiled, type View } from "./device.js";
import { FAULT } from "./fault.js";
import { beamSelectKernel, beamTraceKernel } from "./kernels/beam.js";
import { residualKernel } from "./kernels/codebooks.js";
import { TOP_ROWS, topKernel } from "./kernels/top-k.js";
import { checkNorms } from "./launch-nearest.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

export interface BeamTensors {
  readonly x: GpuTensor<"float32">;
  readonly books: readonly GpuTensor<"float32">[];
  /** `[levels, n]` */
  readonly codes: GpuTensor<"int32">;
  /** `[levels, n]` */
  readonly distances: GpuTensor<"float32">;
}

/** Values of a block of rows in any array of the search at most: 64 MiB. */
const BLOCK_VALUES = 2 ** 24;

export function searchBeam(device: Device, tensors: BeamTensors, beam: number): void {
  const { x, books, codes, distances } = tensors;
  const [rows, dimension] = x.shape as [number, number];
  checkNorms(device, x, rows, dimension, 0);
  for (const book of books) checkNorms(device, book, book.shape[1]!, dimension, 1);
  const values = Math.min(BLOCK_VALUES, device.maxBound / 4);
  const most = Math.max(1, Math.floor(values / (beam * Math.max(beam, dimension, books.length))));
  for (let first = 0; first < rows; first += most) {
    searchBlock(device, tensors, beam, first, Math.min(most, rows - first));
  }
  device.settle({
    inputs: [x, ...books],
    outputs: [codes, distances],
    sources: [{ kind: FAULT.row }, { kind: FAULT.codeword }],
  });
}

function searchBlock(
  device: Device,
  { x, books, codes, distances }: BeamTensors,
  beam: number,
  firstRow: number,
  rows: number,
): void {
  const dimension = x.shape[1]!;
  const levels = books.length;
  const stride = rows * beam;
  const chosen = {
    chosenCodes: device.allocate(4 * levels * stride),
    chosenDistances: device.allocate(4 * levels * stride),
    chosenParents: device.allocate(4 * levels * stride),
  };
  const greedy = device.allocate(4 * rows);
  let left: View = x.rows(firstRow, firstRow + rows);
  left.storage.retain();
  let candidates = 1;
  books.forEach((book, level) => {
    const codewords = book.shape[1]!;
    const last = level + 1 === levels;
    const keep = last ? 1 : Math.min(beam, candidates * codewords);
    const count = Math.min(keep, codewords);
    const extended = extend(device, left, book, rows * candidates, count);
    const levelStart = level * stride;
    device.run(beamSelectKernel, {
      inputs: extended,
      outputs: { ...chosen, greedy },
      params: {
        rows,
        candidates,
        count,
        keep,
        levelStart,
        first: level === 0 ? 1 : 0,
        last: last ? 1 : 0,
      },
      workgroups: tiled(rows, 1),
    });
    extended.codes.release();
    extended.distances.release();
    if (!last) {
      const out = device.allocate(4 * rows * keep * dimension);
      device.run(residualKernel, {
        inputs: {
          x: left,
          codebooks: book,
          codes: { storage: chosen.chosenCodes, start: levelStart },
          parents: { storage: chosen.chosenParents, start: levelStart },
        },
        outputs: { out },
        params: {
          items: rows * keep * dimension,
          groups: 1,
          codewords,
          dimension,
          rows: rows * candidates,
          first: 0,
          bound: rows * candidates,
          hasParents: 1,
        },
        workgroups: flat(rows * keep * dimension),
      });
      left.storage.release();
      left = { storage: out, start: 0 };
    }
    candidates = keep;
  });
  left.storage.release();
  const traced = {
    codes: device.allocate(4 * levels * rows),
    distances: device.allocate(4 * levels * rows),
  };
  device.run(beamTraceKernel, {
    inputs: chosen,
    outputs: traced,
    params: { items: rows, levels, stride },
    workgroups: flat(rows),
  });
  const all = [
    [codes, traced.codes],
    [distances, traced.distances],
  ] as const;
  for (const [tensor, storage] of all) {
    // Those of a level lie together among all rows.
    for (let level = 0; level < levels; level++) {
      const target = tensor.rows(level, level + 1).as([tensor.shape[1]!]);
      device.overwrite(target.rows(firstRow, firstRow + rows), { storage, start: level * rows });
    }
  }
  const scratch = [...Object.values(chosen), greedy, ...Object.values(traced)];
  for (const storage of scratch) storage.release();
}

/** The nearest `count` codewords of each candidate, [candidates, count]. */
function extend(
  device: Device,
  left: View,
  book: GpuTensor<"float32">,
  candidates: number,
  count: number,
): { readonly codes: Storage; readonly distances: Storage } {
  const [, codewords, dimension] = book.shape as [number, number, number];
  const outputs = {
    codes: device.allocate(4 * candidates * count),
    distances: device.allocate(4 * candidates * count),
  };
  device.run(topKernel(count), {
    inputs: { x: left, codebooks: book, starts: device.unused },
    outputs,
    params: { rows: candidates, groups: 1, codewords, dimension, count, direct: 1 },
    workgroups: tiled(Math.ceil(candidates / TOP_ROWS), 1),
  });
  return outputs;
}
