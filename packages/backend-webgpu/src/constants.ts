// Numbers of the WebGPU specification, which browsers have as globals and Node has not.

export const USAGE = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyTarget: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
} as const;

export const STAGE_COMPUTE = 0x4;
export const MAP_READ = 0x1;

/** Workgroups along one axis, in every implementation. */
export const MAX_WORKGROUPS = 65_535;

/** Bytes at multiples of which a binding of a storage buffer may start, in every implementation. */
export const ALIGNMENT = 256;

/** Bytes at which the parameters of one dispatch may start, in every implementation. */
export const UNIFORM_STRIDE = 256;
