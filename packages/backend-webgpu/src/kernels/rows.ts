/**
 * Lanes of a workgroup that has one row: one wave of most GPUs, so that short rows leave few idle and sums are short trees.
 */
export const ROW_LANES = 64;

/** Sums over the lanes of a row, in an order that depends on their number alone. All lanes must call it. */
export const ROW_SUM = `
var<workgroup> parts: array<f32, ${ROW_LANES}>;

fn rowSum(value: f32, lane: u32) -> f32 {
  parts[lane] = value;
  workgroupBarrier();
  for (var distance = ${ROW_LANES / 2}u; distance > 0u; distance /= 2u) {
    if (lane < distance) { parts[lane] += parts[lane + distance]; }
    workgroupBarrier();
  }
  let sum = parts[0];
  workgroupBarrier();
  return sum;
}`.trim();

/** The largest of the lanes of a row, where some is; beside ROW_SUM, whose memory it uses. All lanes must call it. */
export const ROW_LARGEST = `
fn rowLargest(value: f32, lane: u32) -> f32 {
  parts[lane] = value;
  workgroupBarrier();
  for (var distance = ${ROW_LANES / 2}u; distance > 0u; distance /= 2u) {
    if (lane < distance) { parts[lane] = max(parts[lane], parts[lane + distance]); }
    workgroupBarrier();
  }
  let largest = parts[0];
  workgroupBarrier();
  return largest;
}`.trim();

/** What kernels with a workgroup for each row start with; `start` is where the row is in a matrix. */
export const ROW_MAIN = `
@compute @workgroup_size(${ROW_LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;`.trim();

/** The head of a loop in which the lanes go through the columns side by side. */
export const EACH_COLUMN = `for (var i = lane; i < params.columns; i += ${ROW_LANES}u)`;
