// What backends are made of. Each class adds a family of kernels to the one before, and a backend extends the one that ends
// with the last family that it has. It says how tensors are made, and gives the launches: what differs from one to another.

export * from "./device-backend.js";
export * from "./device-tensor.js";
export * from "./distribution-device-backend.js";
export * from "./faults.js";
export * from "./full-device-backend.js";
export * from "./launches.js";
export * from "./search-device-backend.js";
export * from "./tensor-holder.js";
export * from "./training-device-backend.js";
export * from "./training-launches.js";
