export { run } from "./main.js";
export { runProcess } from "./process.js";
export type { Environment, Output } from "./terminal.js";
