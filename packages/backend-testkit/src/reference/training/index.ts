export * from "./activation.js";
export * from "./distributions.js";
export * from "./dropout.js";
export * from "./layer-norm.js";
export * from "./linear.js";
export * from "./losses.js";
export * from "./optimizers.js";
export * from "./quantize.js";
