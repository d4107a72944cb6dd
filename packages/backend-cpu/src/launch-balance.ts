import type { BalanceOptions, BookShape } from "@tessera/core";
import { FAULT } from "@tessera/core/authoring";
import { floatBits, type Device, type Storage } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

type Floats = CpuTensor<"float32">;

export interface BalanceTask {
  readonly x: Floats;
  readonly books: Floats;
  readonly codes: CpuTensor<"int32">;
}

/** Operations of an e^x, and of what else an entry of the plan takes. */
const ENTRY = 48;

/** Codes by Sinkhorn's iterations: what rows and columns add to the scores, in turn; then the largest of each row. */
export function assignBalanced(
  device: Device,
  { x, books, codes }: BalanceTask,
  { groups, codewords, dimension }: BookShape,
  { epsilon, iterations }: BalanceOptions,
): void {
  const rows = x.shape[0]!;
  const { panel } = device.layout;
  const held: Storage[] = [];
  const allocate = (floats: number): Storage => {
    const storage = device.allocate(4 * floats);
    held.push(storage);
    return storage;
  };
  try {
    const distances = allocate(groups * rows * codewords);
    const ranges = allocate(2 * groups * rows);
    device.launch({
      kernel: "balanceDistances",
      items: rows,
      grain: grainOf(groups * codewords * (2 * dimension + 16)),
      arguments: [
        x.address,
        books.address,
        distances.address,
        ranges.address,
        rows,
        groups,
        codewords,
        dimension,
      ],
      fault: { kind: FAULT.row },
      outputs: [distances, ranges],
      inputs: [x.storage, books.storage],
    });
    const scales = allocate(2 * groups);
    device.launch({
      kernel: "balanceScales",
      items: groups,
      grain: grainOf(4 * rows),
      arguments: [ranges.address, scales.address, rows, floatBits(epsilon)],
      outputs: [scales],
      inputs: [ranges],
    });
    const ofRows = allocate(groups * rows);
    const ofColumns = allocate(groups * codewords);
    device.launch({
      kernel: "fill",
      items: groups * codewords,
      grain: grainOf(1),
      arguments: [ofColumns.address, 0],
      outputs: [ofColumns],
      inputs: [],
    });
    for (let iteration = 0; iteration < iterations; iteration++) {
      device.launch({
        kernel: "balanceRows",
        items: groups * rows,
        grain: grainOf(ENTRY * codewords),
        arguments: [
          distances.address,
          scales.address,
          ofColumns.address,
          ofRows.address,
          rows,
          codewords,
        ],
        outputs: [ofRows],
        inputs: [distances, scales, ofColumns],
      });
      device.launch({
        kernel: "balanceColumns",
        items: groups * Math.ceil(codewords / panel),
        grain: grainOf(ENTRY * panel * rows),
        arguments: [
          distances.address,
          scales.address,
          ofRows.address,
          ofColumns.address,
          rows,
          codewords,
        ],
        outputs: [ofColumns],
        inputs: [distances, scales, ofRows],
      });
    }
    device.launch({
      kernel: "balanceCodes",
      items: rows,
      grain: grainOf(4 * groups * codewords),
      arguments: [
        distances.address,
        scales.address,
        ofColumns.address,
        codes.address,
        rows,
        groups,
        codewords,
      ],
      outputs: [codes.storage],
      inputs: [distances, scales, ofColumns],
    });
  } finally {
    for (const storage of held) storage.release();
  }
}
