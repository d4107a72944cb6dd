import type { WasmEngine } from "./engine.js";

/** How an engine's kernels were built; `simd.h` says what each means. */
export interface Layout {
  /** Rows of a register tile. */
  readonly rows: number;
  /** Rows packed at once. */
  readonly rowBlock: number;
  /** Columns of a panel. */
  readonly panel: number;
  /** Small whole numbers that one lane multiplies at once (`dot.h`), 0 where that would gain nothing. */
  readonly dot: number;
}

/** The layouts of the wasm builds, as the kernels' `scripts/wasm.mjs` and `simd.h` set them. */
export function wasmLayout(engine: WasmEngine): Layout {
  return engine === "scalar"
    ? { rows: 2, rowBlock: 32, panel: 4, dot: 0 }
    : { rows: 4, rowBlock: 64, panel: 8, dot: 2 };
}

/** Operations in a block that keep one thread busy for up to a tenth of a millisecond. */
const BLOCK_OPERATIONS = 2 ** 21;

/**
 * Items that a thread should take at a time: enough to outweigh the taking, few enough to share the work evenly and to
 * give other events their turn.
 *
 * @param operations of one item
 * @param multiple items that the kernel does best together
 */
export function grainOf(operations: number, multiple = 1): number {
  const items = BLOCK_OPERATIONS / Math.max(1, operations);
  return Math.max(1, Math.ceil(items / multiple)) * multiple;
}

/** What outweighs handing a share of it to another thread, in operations. */
const WORTH_SHARING = BLOCK_OPERATIONS / 8;

/**
 * As {@link grainOf}, but such that a command of a single block is shared by all threads if that pays: one after another
 * of those leaves the others idle.
 *
 * @param items of the command
 */
export function sharedGrainOf(
  threads: number,
  items: number,
  operations: number,
  multiple = 1,
): number {
  const grain = grainOf(operations, multiple);
  if (items * operations <= WORTH_SHARING) return grain;
  return Math.min(grain, Math.ceil(items / threads / multiple) * multiple);
}
