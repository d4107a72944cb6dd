import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export interface Options {
  readonly only: string | undefined;
  readonly contenders: string | undefined;
  readonly rounds: number;
  readonly threads: number;
  readonly json: string | undefined;
  readonly python: string | undefined;
  /** Folder of real data. */
  readonly data: string;
  readonly quick: boolean;
  readonly list: boolean;
  readonly crossovers: boolean;
  readonly rqvaeOptions: boolean;
  readonly render: string | undefined;
  readonly help: boolean;
}

const SHARED = fileURLToPath(new URL("../../../../shared/data/", import.meta.url));

export const USAGE = `npm run bench -- [options]

  --only PATTERN   cases whose name matches this regular expression
  --contenders PATTERN
                   entries whose name matches, such as 'native|faiss|numpy'
  --rounds N       alternations, 5 or more (default 5)
  --threads N      threads of every contender (default: all cores)
  --json FILE      write everything that was measured; cases join those that the file has already
  --python PATH    the Python to run peers with, as it is (default: an environment that the bench makes;
                   also TESSERA_BENCH_PYTHON)
  --data FOLDER    where words/ and industrial/ are (default: ../shared/data beside the repository)
  --quick          small sizes and 2 rounds, to try the bench itself; its figures mean nothing
  --list           the names of the cases
  --crossovers     where ruling codewords out by whole numbers pays, in place of the cases
  --rqvae-options  what each setting of the RQ-VAE trainer does, in place of the cases: as many trainings
                   at once as --threads; --only chooses settings, and what results/ has is kept
  --render FILE    turn what --json wrote into Markdown`;

/** @throws {TypeError | RangeError} saying which option is wrong */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      contenders: { type: "string" },
      rounds: { type: "string" },
      threads: { type: "string" },
      json: { type: "string" },
      python: { type: "string" },
      data: { type: "string", default: SHARED },
      quick: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      crossovers: { type: "boolean", default: false },
      "rqvae-options": { type: "boolean", default: false },
      render: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { data, quick, list, crossovers, help, only, contenders, json, render } = values;
  return {
    only,
    contenders,
    rounds: integer("rounds", values.rounds, quick ? 2 : 5, quick ? 1 : 5),
    threads: integer("threads", values.threads, availableParallelism(), 1),
    json,
    python: values.python ?? process.env["TESSERA_BENCH_PYTHON"],
    data,
    quick,
    list,
    crossovers,
    rqvaeOptions: values["rqvae-options"],
    render,
    help,
  };
}

function integer(name: string, text: string | undefined, fallback: number, least: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} is ${text}; it must be a whole number from ${least}`);
}
