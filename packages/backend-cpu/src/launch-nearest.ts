import type { BookShape } from "@tessera/core";
import { FAULT } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import { grainOf } from "./grain.js";
import {
  packScratch,
  screenedBytes,
  screenedGrain,
  screenScratch,
  worthScreening,
} from "./screening.js";
import type { CpuTensor } from "./tensor.js";

export interface NearestTensors {
  readonly x: CpuTensor<"float32">;
  readonly books: CpuTensor<"float32">;
  readonly codes: CpuTensor<"int32">;
  readonly distances: CpuTensor<"float32">;
}

/** Packs the codebooks, then finds the nearest codeword of each row, or the `count` nearest. */
export function nearest(
  device: Device,
  { x, books, codes, distances }: NearestTensors,
  shape: BookShape,
  metric: "l2" | "ip",
  count: number | undefined,
): void {
  const { groups, codewords, dimension } = shape;
  const { rows: tileRows, rowBlock, panel } = device.layout;
  const rows = x.shape[0]!;
  const panels = groups * Math.ceil(codewords / panel);
  const innerProduct = metric === "ip" ? 1 : 0;
  const screened = count === undefined && worthScreening(device.layout, rows, shape);
  const packed = device.allocate(
    4 * panels * panel * (dimension + 1) +
      (screened ? panels * screenedBytes(device.layout, dimension) : 0),
  );
  device.launch({
    kernel: "packCodebooks",
    items: panels,
    grain: grainOf(16 * panel * dimension),
    arguments: [
      books.address,
      packed.address,
      groups,
      codewords,
      dimension,
      innerProduct,
      Number(screened),
    ],
    scratch: screened ? packScratch(dimension) : 0,
    fault: { kind: FAULT.codeword },
    outputs: [packed],
    inputs: [books.storage],
  });
  const operations = groups * (2 * dimension * (codewords + 8) + 64);
  const perRow = count === undefined ? 8 * panel : 8 * count + 4;
  // Whole blocks of rows are fastest, but few rows against many codewords are better shared out.
  const multiple = operations * rowBlock < 2 ** 23 ? rowBlock : tileRows;
  device.launchAndRelease([packed], {
    kernel: count === undefined ? "assign" : "assignTopK",
    items: rows,
    grain: screened ? screenedGrain(operations) : grainOf(operations, multiple),
    arguments: [
      x.address,
      books.address,
      packed.address,
      codes.address,
      distances.address,
      groups,
      codewords,
      dimension,
      innerProduct,
      count ?? 1,
      Number(screened),
    ],
    scratch: rowBlock * (4 * dimension + perRow) + (screened ? screenScratch(dimension) : 0),
    fault: { kind: FAULT.row },
    outputs: [codes.storage, distances.storage],
    inputs: [x.storage, packed],
  });
}
