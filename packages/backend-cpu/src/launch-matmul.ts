import type { Activation } from "@tessera/core";
import type { Device, Storage } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

/** Operations of an item: enough that packing its rows does not weigh, few enough to give other events their turn. */
const ITEM_OPERATIONS = 2 ** 24;

/** Operations that an item should have at least, to outweigh its start. */
const LEAST_OPERATIONS = 2 ** 20;

/** Blocks of rows up to which each packs what it needs of op(b) itself: packing it once takes a command of its own. */
const SELF_PACKED = 4;

/** Twice `PANEL_BYTES` of kernels.h, and a vector that reading packed rows may run over their end. */
const OWN_BYTES = 32768;
const SLACK_BYTES = 64;

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
}

/**
 * Multiplies blocks of rows by blocks of columns.
 *
 * @param inPlace whether what is written is part of storages that hold other data as well
 */
export function multiply(device: Device, task: MatmulTask, inPlace = false): void {
  const { a, b, bias, add, before, pre, sums, out, rows, inner, columns } = task;
  const { rows: tileRows, rowBlock, panel } = device.layout;
  const panels = Math.ceil(columns / panel);
  const tiles = Math.ceil(rows / tileRows);
  // Blocks of rows of about one size.
  const down = Math.ceil((tiles * tileRows) / rowBlock);
  const blockRows = Math.max(1, Math.ceil(tiles / Math.max(1, down))) * tileRows;
  const blockPanels = panelsOfItem(device, 2 * rows * panel * inner, panels, down);
  const packed = down > SELF_PACKED ? pack(device, task, panels) : undefined;
  device.launchAndRelease([packed], {
    kernel: "matmul",
    items: down * Math.max(1, Math.ceil(panels / blockPanels)),
    // Items of the least operations and more go one by one.
    grain: grainOf(4 * blockRows * blockPanels * panel * inner),
    arguments: [
      a.address,
      b.address,
      packed?.address ?? 0,
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
      Number(task.transposeB ?? false),
      ACTIVATIONS.indexOf(task.activation ?? "none"),
      blockRows,
      blockPanels,
    ],
    scratch: 4 * inner * rowBlock + (packed ? 0 : OWN_BYTES) + SLACK_BYTES,
    outputs: [out.storage, pre?.storage, sums?.storage],
    inPlace,
    inputs: [a.storage, packed ?? b.storage, bias?.storage, add?.storage, before?.storage],
  });
}

/** Panels of an item, for all threads to have their share. */
function panelsOfItem(device: Device, ofPanel: number, panels: number, down: number): number {
  const all = ofPanel * panels;
  const { threads } = device.executor;
  // Two for each thread, in case that one is held up; a thread alone packs its rows once.
  const wanted = Math.min(threads > 1 ? 2 * threads : 1, all / LEAST_OPERATIONS);
  const blocks = Math.max(1, down);
  const across = Math.max(Math.ceil(wanted / blocks), Math.round(all / ITEM_OPERATIONS / blocks));
  return Math.max(1, Math.ceil(panels / Math.max(1, Math.min(panels, across))));
}

/** Panels of op(b). */
function pack(
  device: Device,
  { b, inner, columns, transposeB = false }: MatmulTask,
  panels: number,
): Storage {
  const { panel } = device.layout;
  const packed = device.allocate(4 * panels * panel * inner);
  try {
    device.launch({
      kernel: "packMatrix",
      items: panels,
      grain: grainOf(8 * panel * inner),
      arguments: [b.address, packed.address, inner, columns, Number(transposeB)],
      outputs: [packed],
      inputs: [b.storage],
    });
    return packed;
  } catch (error) {
    packed.release();
    throw error;
  }
}
