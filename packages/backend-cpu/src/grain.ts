/** What the kernels' sources are built with: rows of a register tile, rows packed at once, columns of a panel. */
export const ROWS = 4;
export const ROW_BLOCK: number = 16 * ROWS;
export const PANEL = 8;
/** Columns that `clusterSums` does at once. */
export const SLICE = 16;

/** Operations in a block that keep one thread busy for about a tenth of a millisecond. */
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
