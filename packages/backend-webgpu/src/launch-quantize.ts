import type { QuantizeExtents } from "@tessera/core/arguments";
import { type Device, flat, tiled, type View } from "./device.js";
import { FAULT } from "./fault.js";
import { assignKernel, distancesKernel, scoreStartsKernel } from "./kernels/assign.js";
import { takeLevelKernel } from "./kernels/quantize.js";
import { TILE } from "./kernels/tile.js";
import { addClusters } from "./launch-codebooks.js";
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

/** What is in a storage `count` elements further on. */
function from({ storage, start }: View, count: number): View {
  return { storage, start: start + count };
}

/** All levels in turn: each chooses, takes its codewords away, and adds up what its clusters are left with. */
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
    const book = from(codebooks, groups * before * dimension);
    const level = { codes: from(codes, l * slices), distances: from(distances, l * slices) };
    const shape = { groups, codewords, dimension };
    const inputs = { x: left, codebooks: book };
    device.run(assignKernel, {
      inputs: { ...inputs, starts: { storage: starts, start: groups * before } },
      updates: { codes: level.codes },
      outputs: {},
      params: { rows, ...shape },
      workgroups: tiled(Math.ceil(rows / TILE), groups),
    });
    device.run(distancesKernel, {
      inputs: { ...inputs, codes: level.codes },
      updates: { distances: level.distances },
      outputs: {},
      params: { items: slices, ...shape, count: 1, ip: 0 },
      workgroups: flat(slices),
    });
    const rest = device.allocate(4 * slices * dimension);
    device.run(takeLevelKernel, {
      inputs: { ...inputs, codes: level.codes },
      outputs: { left: rest, output, pull },
      params: { items: slices * dimension, ...shape, weight: pullWeight, first: l === 0 ? 1 : 0 },
      workgroups: flat(slices * dimension),
    });
    left.storage.release();
    left = { storage: rest, start: 0 };
    addClusters(
      device,
      {
        x: rest,
        codes: level.codes,
        weights: undefined,
        sums: sums && from(sums, groups * before * dimension),
        counts: from(counts, groups * before),
        factor: sumWeight,
      },
      { rows, ...shape },
    );
    before += codewords;
  });
  left.storage.release();
  starts.release();
  const sources = [{ kind: FAULT.row, columns: groups }, { kind: FAULT.codeword }] as const;
  const outputs = [codes, distances, output, pull, counts, ...(sums ? [sums] : [])];
  device.settle({ inputs: [z, codebooks, ...(sums ? [sums] : [])], outputs, sources });
}
