import { FAULT } from "@tessera/core/authoring";
import { floatBits, type Device, type Storage } from "./device.js";
import { grainOf, sharedGrainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

type Floats = CpuTensor<"float32">;

/** Columns that one thread sums at a time: a cache line. */
const SLICE = 16;

export interface QuantizeTask {
  readonly z: Floats;
  readonly codebooks: Floats;
  readonly codes: CpuTensor<"int32">;
  readonly distances: Floats;
  readonly output: Floats;
  readonly pull: Floats;
  readonly counts: Floats;
  readonly sums: Floats | undefined;
}

/** What a level has: its codewords in each group, and its weights. */
export interface LevelShape {
  readonly codewords: number;
  readonly pullWeight: number;
  readonly sumWeight: number;
}

/** Packs the codebooks of all levels, passes the rows through them, and sums what they leave by code. */
export function quantize(
  device: Device,
  task: QuantizeTask,
  levels: readonly LevelShape[],
  groups: number,
): void {
  const { z, codes, distances, output, pull, counts, sums } = task;
  const [rows, width] = z.shape as [number, number];
  const dimension = width / groups;
  const { rows: tileRows, rowBlock, panel } = device.layout;
  const temporary: Storage[] = [];
  try {
    const table = device.upload(tableOf(levels));
    temporary.push(table);
    const left = device.allocate(4 * levels.length * rows * width);
    temporary.push(left);
    const packed = packLevels(device, task.codebooks, levels, groups, dimension);
    temporary.push(packed);
    const extents = [levels.length, rows, groups, dimension];
    const operations = levels.reduce(
      (sum, { codewords }) => sum + groups * (2 * dimension * (codewords + 16) + 64),
      0,
    );
    device.launch({
      kernel: "quantizeLevels",
      items: rows,
      grain: sharedGrainOf(device.executor.threads, rows, operations, tileRows),
      arguments: [
        z.address,
        task.codebooks.address,
        packed.address,
        table.address,
        codes.address,
        distances.address,
        left.address,
        output.address,
        pull.address,
        ...extents,
      ],
      scratch: rowBlock * (4 * dimension + 8 * panel),
      fault: { kind: FAULT.row },
      // What is counted has the faults of the codes.
      outputs: [codes, distances, output, pull, counts].map(({ storage }) => storage).concat(left),
      inputs: [z.storage, packed],
    });
    const slice = sums ? SLICE : dimension;
    device.launch({
      kernel: "levelSums",
      items: levels.length * groups * Math.ceil(dimension / slice),
      grain: grainOf(rows * (slice + 16)),
      arguments: [
        left.address,
        codes.address,
        table.address,
        sums?.address ?? 0,
        counts.address,
        ...extents,
        slice,
      ],
      outputs: [sums ? sums.storage : counts.storage],
      inPlace: sums !== undefined,
      inputs: [left],
    });
  } finally {
    for (const storage of temporary) storage.release();
  }
}

/** The levels as `quantize.c` reads them. */
function tableOf(levels: readonly LevelShape[]): Uint32Array {
  const table = new Uint32Array(3 * levels.length);
  levels.forEach(({ codewords, pullWeight, sumWeight }, l) => {
    table[3 * l] = codewords;
    table[3 * l + 1] = floatBits(pullWeight);
    table[3 * l + 2] = floatBits(sumWeight);
  });
  return table;
}

function packLevels(
  device: Device,
  codebooks: Floats,
  levels: readonly LevelShape[],
  groups: number,
  dimension: number,
): Storage {
  const { panel } = device.layout;
  const panelsOf = ({ codewords }: LevelShape): number => groups * Math.ceil(codewords / panel);
  const panels = levels.reduce((sum, level) => sum + panelsOf(level), 0);
  const packed = device.allocate(4 * panels * panel * (1 + dimension));
  let from = codebooks.address;
  let to = packed.address;
  levels.forEach((level, l) => {
    device.launch({
      kernel: "packCodebooks",
      items: panelsOf(level),
      grain: grainOf(16 * panel * dimension),
      arguments: [from, to, groups, level.codewords, dimension, 0, 0],
      fault: { kind: FAULT.codeword },
      outputs: [packed],
      inputs: [l > 0 ? packed : undefined, codebooks.storage],
    });
    from += 4 * groups * level.codewords * dimension;
    to += 4 * panelsOf(level) * panel * (1 + dimension);
  });
  return packed;
}
