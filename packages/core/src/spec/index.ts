export * from "./build.js";
export * from "./check.js";
export * from "./parse.js";
export * from "./print.js";
export * from "./types.js";
