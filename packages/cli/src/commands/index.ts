import type { Command } from "../args/command.js";
import { decode } from "./decode.js";
import { doctor } from "./doctor.js";
import { encode } from "./encode.js";
import { evaluateCommand } from "./eval.js";
import { exportCommand } from "./export.js";
import { fit } from "./fit.js";
import { ids } from "./ids.js";
import { importCommand } from "./import.js";
import { inspect } from "./inspect.js";

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Command[] = [
  ids,
  fit,
  encode,
  decode,
  evaluateCommand,
  importCommand,
  exportCommand,
  inspect,
  doctor,
];
