// Trees over the lanes of a workgroup, which combine a value of each in an order that depends on their number alone: lane i
// takes in lane i + n/2, then i + n/4, and so on to i + 1.
//
// A step in workgroup memory takes a barrier. Lanes of a subgroup pass values to one another without, so where the device
// has subgroups, the last steps, which are among the first lanes, are theirs. They are the same steps.

export interface TreeOptions {
  /** How many, a power of two. */
  readonly lanes: number;
  /** The name of an array in workgroup memory with a place for each lane. */
  readonly memory: string;
  readonly type: "f32" | "vec2u";
  /** Whether the device has subgroups. */
  readonly subgroups: boolean;
}

/**
 * A function of a value of each lane, which all lanes must call. `reach` is how many lanes in a row can pass values to one
 * another.
 */
export function treeOf(
  name: string,
  combine: (one: string, other: string) => string,
  { lanes, memory, type, subgroups }: TreeOptions,
): string {
  const head = `fn ${name}(value: ${type}, lane: u32, reach: u32) -> ${type} {`;
  const steps = `
for (var distance = ${lanes / 2}u; distance >= reach; distance /= 2u) {
  if (lane < distance) { ${memory}[lane] = ${combine(`${memory}[lane]`, `${memory}[lane + distance]`)}; }
  workgroupBarrier();
}`.trim();
  if (!subgroups) {
    return `
${head}
  ${memory}[lane] = value;
  workgroupBarrier();
${indented(steps, "  ")}
  let result = ${memory}[0];
  workgroupBarrier();
  return result;
}`.trim();
  }
  return `
${head}
  var own = value;
  if (reach < ${lanes}u) {
    ${memory}[lane] = own;
    workgroupBarrier();
${indented(steps, "    ")}
    own = ${memory}[lane];
  }
  for (var distance = reach / 2u; distance > 0u; distance /= 2u) {
    own = ${combine("own", "subgroupShuffleXor(own, distance)")};
  }
  if (reach < ${lanes}u) {
    if (lane == 0u) { ${memory}[0] = own; }
    workgroupBarrier();
    own = ${memory}[0];
    workgroupBarrier();
  }
  return own;
}`.trim();
}

/**
 * The last parameters of `main` and its first lines, which make `lane` and `reach`.
 *
 * Nothing is said of which lanes a subgroup has, nor that it has as many as its size. So lanes are numbered subgroup by
 * subgroup, and only where their sizes add up to the workgroup, in which case all are full.
 */
export function lanesOf(lanes: number, subgroups: boolean): string {
  if (!subgroups) {
    return `
  @builtin(local_invocation_index) lane: u32,
) {
  let reach = 1u;`.slice(1);
  }
  return `
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_size) size: u32,
  @builtin(subgroup_invocation_id) place: u32,
) {
  let full = subgroups * size == ${lanes}u;
  let reach = select(1u, size, full);
  let lane = select(index, subgroup * size + place, full);`.slice(1);
}

function indented(lines: string, by: string): string {
  return lines.replaceAll(/^/gm, by);
}
