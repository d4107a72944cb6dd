import { UsageError } from "./usage-error.js";
import { nearest } from "./suggest.js";

/** One option of a command: how it is written, explained and read. */
export interface Option<T> {
  /** What stands for its value in help, such as `FILE`; a flag has none. */
  readonly placeholder: string | undefined;
  readonly help: string;
  /** Its default in words, for help. */
  readonly defaultText: string | undefined;
  readonly required: boolean;
  /** The value when the option is left out. */
  readonly fallback: T;
  /** Reads the text after it; `name` is for messages. A flag gets the empty text. */
  readonly parse: (text: string, name: string) => T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of a table of options. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

interface Described {
  readonly help: string;
  readonly defaultText?: string;
}

export function flag(help: string): Option<boolean> {
  return {
    placeholder: undefined,
    help,
    defaultText: undefined,
    required: false,
    fallback: false,
    parse: () => true,
  };
}

/** Any text but the empty one. */
export function text(placeholder: string, described: Described): Option<string | undefined> {
  return {
    placeholder,
    help: described.help,
    defaultText: described.defaultText,
    required: false,
    fallback: undefined,
    parse: nonEmpty,
  };
}

/** Text without which the command cannot run. */
export function requiredText(placeholder: string, help: string): Option<string> {
  return {
    placeholder,
    help,
    defaultText: undefined,
    required: true,
    fallback: "",
    parse: nonEmpty,
  };
}

/** One of a few words; `undefined` where it is left out. */
export function choice<const C extends string>(
  choices: readonly C[],
  described: Described,
): Option<C | undefined> {
  return {
    placeholder: choices.join("|"),
    help: described.help,
    defaultText: described.defaultText,
    required: false,
    fallback: undefined,
    parse(given, name) {
      const found = choices.find((candidate) => candidate === given);
      if (found !== undefined) return found;
      const near = nearest(given, choices);
      throw new UsageError(
        `--${name} is "${given}"; it may be ${choices.join(", ")}`,
        near === undefined ? undefined : `did you mean --${name} ${near}?`,
      );
    },
  };
}

/** An integer from `least` to `most`. */
export function integer(
  described: Described & { readonly least: number; readonly most?: number },
): Option<number | undefined> {
  const { least, most = Number.MAX_SAFE_INTEGER } = described;
  return {
    placeholder: "N",
    help: described.help,
    defaultText: described.defaultText,
    required: false,
    fallback: undefined,
    parse(given, name) {
      const value = /^-?\d+$/.test(given) ? Number(given) : Number.NaN;
      if (!Number.isSafeInteger(value) || value < least || value > most) {
        const range =
          most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
        throw new UsageError(`--${name} is "${given}"; it must be an integer, ${range}`);
      }
      return value;
    },
  };
}

/** A share, above 0 and at most 1. */
export function share(described: Described): Option<number | undefined> {
  return {
    placeholder: "R",
    help: described.help,
    defaultText: described.defaultText,
    required: false,
    fallback: undefined,
    parse(given, name) {
      const value = /^(\d+\.?\d*|\.\d+)$/.test(given) ? Number(given) : Number.NaN;
      if (value > 0 && value <= 1) return value;
      throw new UsageError(
        `--${name} is "${given}"; it must be a number above 0 and at most 1`,
        value > 1 && value <= 100 ? `did you mean --${name} ${value / 100}?` : undefined,
      );
    },
  };
}

/** Units of a time, in seconds. */
const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, min: 60, m: 60, h: 3600 };

/** A time, in seconds: `90`, `90s`, `1.5min`, `1h`. */
export function seconds(described: Described): Option<number | undefined> {
  return {
    placeholder: "TIME",
    help: described.help,
    defaultText: described.defaultText,
    required: false,
    fallback: undefined,
    parse(given, name) {
      const [, count, unit] = /^(\d+\.?\d*|\.\d+)(s|min|m|h|)$/.exec(given) ?? [];
      const value = Number(count) * (UNITS[unit ?? ""] ?? Number.NaN);
      if (value > 0 && value < Infinity) return value;
      throw new UsageError(`--${name} is "${given}"; it must be a time such as 90s, 5min or 1h`);
    },
  };
}

function nonEmpty(given: string, name: string): string {
  if (given === "") throw new UsageError(`--${name} is empty`);
  return given;
}
