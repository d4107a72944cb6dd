/** Element types of storage buffers and parameters in WGSL. */
export type WgslType = "f32" | "i32" | "u32";

/** A compute kernel as WGSL, and the order in which its arguments are bound. */
export interface Kernel<
  I extends string = string,
  O extends string = string,
  P extends string = string,
  U extends string = string,
> {
  readonly name: string;
  readonly code: string;
  /** For devices that have subgroups, where that makes a difference to it; the results are the same to the bit. */
  readonly subgroupCode: string | undefined;
  readonly inputs: readonly I[];
  readonly updates: readonly U[];
  readonly outputs: readonly O[];
  readonly params: readonly P[];
  /** Parameters that are float32; all others are uint32. */
  readonly floats: ReadonlySet<string>;
  /** It may call `fault(slot, position)`. */
  readonly faulty: boolean;
}

export interface KernelSource<
  I extends string,
  O extends string,
  P extends string,
  U extends string,
> {
  readonly name: string;
  /** Arrays to read. `params.<name>Start` is the element of the array at which the tensor starts. */
  readonly inputs: Readonly<Record<I, WgslType>>;
  /** Arrays to write in place, or to read and write. `params.<name>Start` is where they start, as for inputs. */
  readonly updates?: Readonly<Record<U, WgslType>>;
  /** Arrays to write, from their first element. */
  readonly outputs: Readonly<Record<O, WgslType>>;
  readonly params: Readonly<Record<P, WgslType>>;
  readonly faulty?: boolean;
  /** Functions and `main`, which may be others where the device has subgroups. */
  readonly body: string | ((subgroups: boolean) => string);
}

/** Puts the declarations of a kernel's arguments before its body. */
export function defineKernel<
  I extends string,
  O extends string,
  P extends string,
  U extends string = never,
>(source: KernelSource<I, O, P, U>): Kernel<I, O, P, U> {
  const { name, faulty = false } = source;
  const inputs = Object.keys(source.inputs) as I[];
  const types: Partial<Record<U, WgslType>> = source.updates ?? {};
  const updates = Object.keys(types) as U[];
  const outputs = Object.keys(source.outputs) as O[];
  const params = Object.keys(source.params) as P[];
  const fields = [
    ...[...inputs, ...updates].map((array) => `${array}Start: u32`),
    ...params.map((param) => `${param}: ${source.params[param]}`),
  ];
  let binding = 1;
  const bound = (access: string, array: string, type: string | undefined): string =>
    `@group(0) @binding(${binding++}) var<storage, ${access}> ${array}: array<${type}>;`;
  const head = [
    `struct Params {\n${fields.map((field) => `  ${field},`).join("\n")}\n}`,
    "@group(0) @binding(0) var<uniform> params: Params;",
    ...inputs.map((input) => bound("read", input, source.inputs[input])),
    ...updates.map((update) => bound("read_write", update, types[update])),
    ...outputs.map((output) => bound("read_write", output, source.outputs[output])),
    ...(faulty ? [bound("read_write", "faults", "atomic<u32>"), FAULT] : []),
  ];
  const written = (body: string): string => [...head, body.trim(), ""].join("\n");
  const { body } = source;
  const either = typeof body === "function";
  const code = written(either ? body(false) : body);
  const subgroupCode = either ? `${SUBGROUPS}\n\n${written(body(true))}` : undefined;
  const floats = new Set(params.filter((param) => source.params[param] === "f32"));
  return { name, code, subgroupCode, inputs, updates, outputs, params, floats, faulty };
}

/** The feature of a device, and that of the language with which lanes can be numbered by it. */
const SUBGROUPS = "enable subgroups;\nrequires subgroup_id;";

/** Two words at the head of the fault cells hold the first fault of a launch in each slot; `settle` empties them. */
const FAULT = `
// Remembers the first position at fault. Counted down from the largest number, so that 0 stands for none.
fn fault(slot: u32, position: u32) {
  atomicMax(&faults[slot], 0xffffffffu - position);
}`.trim();

/**
 * Lanes of a workgroup whose lanes do not talk to one another: enough for several waves of 32 or 64, and as many as every
 * implementation has.
 */
export const FLAT_LANES = 256;

/** What flat kernels start with: `item` is the number of this lane among all. */
export const FLAT_MAIN = `
@compute @workgroup_size(${FLAT_LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * ${FLAT_LANES}u + lane;`.trim();

/** By its bits, since WGSL lets a compiler assume that there are no infinities and NaNs. */
export const FINITE = `
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}`.trim();

/** The largest float32. */
export const LARGEST = "0x1.fffffep+127f";
