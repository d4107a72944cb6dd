// A product of two matrices in tiles of workgroup memory, for `assign` and `matmul`.

/** Lanes of a workgroup across and down: 256 in all, as many as every implementation has. */
export const LANES_ACROSS = 16;
export const LANES_DOWN = 16;

/**
 * Rows and columns that a lane has of a tile: with 4 × 4 values, which fit its registers and are four vectors, 8 loads from
 * workgroup memory feed 16 multiply-adds.
 */
export const PER_LANE = 4;

/** Rows and columns of a tile. Its rows are read from global memory once for as many columns. */
export const TILE: number = PER_LANE * LANES_ACROSS;

/** Values of a row in workgroup memory at once: with 64 rows and columns, 8 KiB of the 16 that every implementation has. */
export const DEPTH = 16;

/** The tiles, transposed. One value more between their rows, so that lanes that fill a column hit different banks. */
export const TILE_MEMORY = `
const DEPTH = ${DEPTH}u;
const PITCH = ${TILE + 1}u;
var<workgroup> tileA: array<f32, DEPTH * PITCH>;
var<workgroup> tileB: array<f32, DEPTH * PITCH>;`.trim();

/** What kernels with a workgroup for each tile start with. */
export const TILE_MAIN = `
@compute @workgroup_size(${LANES_ACROSS}, ${LANES_DOWN})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
) {`.trim();

/** Fills both tiles from position `first` along the inner axis; neighbouring lanes read neighbouring values. */
export function loadTiles(loadA: string, loadB: string): string {
  return `
    for (var i = index; i < ${TILE}u * DEPTH; i += ${LANES_ACROSS * LANES_DOWN}u) {
      let line = i / DEPTH;
      let k = i % DEPTH;
      tileA[k * PITCH + line] = ${loadA}(firstRow + line, first + k);
      tileB[k * PITCH + line] = ${loadB}(firstColumn + line, first + k);
    }
    workgroupBarrier();`.slice(1);
}

/** Adds the product of the tiles, or subtracts it where `sign` is a minus, one position after another. */
export function tileProduct(sign: "" | "-"): string {
  return overTiles((sum, value) => [`${sum} = fma(vec4f(${sign}${value}), columns, ${sum});`]);
}

/** Adds the squares of the differences. */
export function tileDistances(): string {
  return overTiles((sum, value) => [
    `let to${sum} = vec4f(${value}) - columns;`,
    `${sum} = fma(to${sum}, to${sum}, ${sum});`,
  ]);
}

function overTiles(add: (sum: string, value: string) => readonly string[]): string {
  const lines = [0, 1, 2, 3].flatMap((r) =>
    add(`sums${r}`, `tileA[at + lane.y + ${r * LANES_DOWN}u]`).map((line) => `      ${line}`),
  );
  return `
    for (var k = 0u; k < DEPTH; k++) {
      let at = k * PITCH;
      let b = at + lane.x;
      let columns = vec4f(tileB[b], tileB[b + ${LANES_ACROSS}u], tileB[b + ${2 * LANES_ACROSS}u], tileB[b + ${3 * LANES_ACROSS}u]);
${lines.join("\n")}
    }
    workgroupBarrier();`.slice(1);
}
