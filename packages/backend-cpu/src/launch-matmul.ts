import type { Activation } from "@tessera/core";
import type { Device, Launch } from "./device.js";
import { grainOf } from "./grain.js";
import { launchInPlace } from "./launch-in-place.js";
import type { CpuTensor } from "./tensor.js";

/** Operations that an item should have at least, so that packing its rows does not weigh. */
const ITEM_OPERATIONS = 2 ** 21;

/** Activations by the number that `activation.h` has for them. */
export const ACTIVATIONS: readonly Activation[] = ["none", "relu", "gelu", "silu"];

/** Where values are, and what they are at fault with. */
export type Operand = Pick<CpuTensor<"float32">, "address" | "storage">;

/** op(a) · op(b), `[rows, columns]`, and what is done with it; see `matmul.c`. */
export interface MatmulTask {
  readonly a: Operand;
  readonly b: Operand;
  readonly out: Operand;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Added to every row. */
  readonly bias?: Operand | undefined;
  /** Added, of the result's shape. */
  readonly add?: Operand | undefined;
  readonly activation?: Activation;
  /** Where the result is multiplied by the activation's derivative; without it, the activation is applied. */
  readonly before?: Operand | undefined;
  /** Gets what the activation is applied to. */
  readonly pre?: Operand | undefined;
  /** Gets the sums of the rows of op(a). */
  readonly sums?: Operand | undefined;
  /** Whether `out` and `sums` are written in place. */
  readonly inPlace?: boolean;
}

/** Packs op(b) into panels, then multiplies blocks of rows by blocks of panels. */
export function multiply(device: Device, task: MatmulTask): void {
  const { a, b, bias, add, before, pre, sums, out, rows, inner, columns } = task;
  const { rows: tileRows, rowBlock, panel } = device.layout;
  const panels = Math.ceil(columns / panel);
  const packed = device.allocate(4 * panels * panel * inner);
  try {
    device.launch({
      kernel: "packMatrix",
      items: panels,
      grain: grainOf(8 * panel * inner),
      arguments: [b.address, packed.address, inner, columns, Number(task.transposeB ?? false)],
      outputs: [packed],
      inputs: [b.storage],
    });
    const blockRows = Math.max(1, Math.min(rowBlock / tileRows, Math.ceil(rows / tileRows)));
    const ofPanel = Math.max(1, 2 * blockRows * tileRows * panel * inner);
    const blockPanels = Math.max(1, Math.min(panels, Math.ceil(ITEM_OPERATIONS / ofPanel)));
    const product: Omit<Launch, "outputs"> = {
      kernel: "matmul",
      items:
        Math.ceil(rows / (blockRows * tileRows)) * Math.max(1, Math.ceil(panels / blockPanels)),
      grain: grainOf(ofPanel * blockPanels),
      arguments: [
        a.address,
        packed.address,
        bias?.address ?? 0,
        add?.address ?? 0,
        before?.address ?? 0,
        pre?.address ?? 0,
        sums?.address ?? 0,
        out.address,
        rows,
        inner,
        columns,
        Number(task.transposeA ?? false),
        ACTIVATIONS.indexOf(task.activation ?? "none"),
        blockRows * tileRows,
        blockPanels,
      ],
      scratch: 4 * rowBlock * Math.max(1, inner),
      inputs: [a.storage, packed, bias?.storage, add?.storage, before?.storage],
    };
    const written = [out, sums ?? pre].filter((operand) => operand !== undefined);
    if (task.inPlace) launchInPlace(device, written, product);
    else device.launch({ ...product, outputs: written.map(({ storage }) => storage) });
  } finally {
    packed.release();
  }
}
