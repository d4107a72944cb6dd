// What backends check of a call's arguments before they enqueue anything: one function for each kernel. Each throws
// what the contract says, with the same words on every backend, and returns the extents and options that it resolved.

export * from "./codebooks.js";
export * from "./dense.js";
export * from "./distributions.js";
export * from "./layers.js";
export * from "./losses.js";
export * from "./optimizers.js";
export * from "./options.js";
export * from "./scalar.js";
export * from "./scans.js";
export * from "./tensors.js";
