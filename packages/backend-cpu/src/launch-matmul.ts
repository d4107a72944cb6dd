import type { Device } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

/** Operations that an item should have at least, so that packing its rows does not weigh. */
const ITEM_OPERATIONS = 2 ** 21;

/** Where values are, and what they are at fault with. */
export type Operand = Pick<CpuTensor<"float32">, "address" | "storage">;

export interface MatmulTask {
  readonly a: Operand;
  readonly b: Operand;
  readonly bias: Operand | undefined;
  readonly out: Operand;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly relu: boolean;
}

/** Packs op(b) into panels, then multiplies blocks of rows by blocks of panels. */
export function multiply(device: Device, task: MatmulTask): void {
  const { a, b, bias, out, rows, inner, columns } = task;
  const { rows: tileRows, rowBlock, panel } = device.layout;
  const panels = Math.ceil(columns / panel);
  const packed = device.allocate(4 * panels * panel * inner);
  device.launch({
    kernel: "packMatrix",
    items: panels,
    grain: grainOf(8 * panel * inner),
    arguments: [b.address, packed.address, inner, columns, Number(task.transposeB)],
    outputs: [packed],
    inputs: [b.storage],
  });
  const blockRows = Math.min(rowBlock, Math.ceil(rows / tileRows) * tileRows);
  const ofPanel = Math.max(1, 2 * blockRows * panel * inner);
  const blockPanels = Math.max(1, Math.min(panels, Math.ceil(ITEM_OPERATIONS / ofPanel)));
  device.launchAndRelease([packed], {
    kernel: "matmul",
    items: rows === 0 ? 0 : Math.ceil(rows / blockRows) * Math.ceil(panels / blockPanels),
    grain: grainOf(ofPanel * blockPanels),
    arguments: [
      a.address,
      packed.address,
      bias?.address ?? 0,
      out.address,
      rows,
      inner,
      columns,
      Number(task.transposeA),
      Number(task.relu),
      Math.max(tileRows, blockRows),
      blockPanels,
    ],
    scratch: 4 * rowBlock * Math.max(1, inner),
    outputs: [out.storage],
    inputs: [a.storage, packed, bias?.storage],
  });
}
