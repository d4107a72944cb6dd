import type { Command } from "../args/command.js";
import { buildIndex } from "./build-index.js";
import { decode } from "./decode.js";
import { doctor } from "./doctor.js";
import { encode } from "./encode.js";
import { evaluateCommand } from "./eval.js";
import { exportCommand } from "./export.js";
import { fit } from "./fit.js";
import { ids } from "./ids.js";
import { importCommand } from "./import.js";
import { inspect } from "./inspect.js";
import { recommend } from "./recommend.js";
import { report } from "./report.js";
import { search } from "./search.js";

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Command[] = [
  ids,
  fit,
  encode,
  decode,
  evaluateCommand,
  report,
  buildIndex,
  search,
  recommend,
  importCommand,
  exportCommand,
  inspect,
  doctor,
];
