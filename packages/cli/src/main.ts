import { type Command } from "./args/command.js";
import { commandHelp, programHelp } from "./args/help.js";
import { parseArguments } from "./args/parse.js";
import { nearest } from "./args/suggest.js";
import { UsageError } from "./args/usage-error.js";
import { COMMANDS } from "./commands/index.js";
import { createContext } from "./context.js";
import { EXIT, exitCodeOf, explainFailure } from "./failure.js";
import { type Environment, painter, widthOf } from "./terminal.js";
import { version } from "./version.js";

/**
 * Runs one command line.
 *
 * @param argv the arguments, without the program's own name
 * @returns the status to end with: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Failures are explained on stderr.
 */
export async function run(argv: readonly string[], environment: Environment): Promise<number> {
  const { stdout, stderr, env } = environment;
  const debug = argv.includes("--debug") || (env["TESSERA_DEBUG"] ?? "0") !== "0";
  try {
    const [first, ...rest] = argv;
    const paint = painter(stdout, env);
    const columns = widthOf(stdout, env);
    if (first === "--version" || first === "-V") {
      stdout.write(`tessera ${await version()}\n`);
      return EXIT.done;
    }
    const asked = first === "help" ? rest[0] : first;
    if (asked === undefined || asked === "--help" || asked === "-h") {
      // Asked for, help is the result; otherwise it is the answer to a command line that says nothing.
      (first === undefined ? stderr : stdout).write(programHelp(COMMANDS, columns, paint));
      return first === undefined ? EXIT.usage : EXIT.done;
    }
    const command = findCommand(asked);
    if (first === "help" || rest.includes("--help") || rest.includes("-h")) {
      stdout.write(commandHelp(command, columns, paint));
      return EXIT.done;
    }
    const parsed = parseArguments(rest, command);
    const switches = {
      quiet: parsed.values["quiet"] === true,
      json: parsed.values["json"] === true,
    };
    const context = createContext(environment, switches, argv);
    try {
      await command.execute(parsed, context);
    } finally {
      context.progress.clear();
    }
    return EXIT.done;
  } catch (error) {
    for (const line of explainFailure(error, debug, painter(stderr, env)))
      stderr.write(`${line}\n`);
    return exitCodeOf(error);
  }
}

function findCommand(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name);
  if (found) return found;
  const names = COMMANDS.map((command) => command.name);
  const isOption = name.startsWith("-");
  const near = nearest(name, isOption ? ["--help", "--version"] : names);
  throw new UsageError(
    isOption ? `unknown option ${name}` : `unknown command "${name}"`,
    near === undefined
      ? `commands are ${names.join(", ")}; see tessera --help`
      : `did you mean tessera ${near}?`,
  );
}
