import { SpecError } from "../errors.js";
import { checkSpec, checkTransform, isPlainSum } from "./check.js";
import { DEFAULT_AUTOENCODER_WIDTHS, type Spec, type TransformSpec } from "./types.js";

/**
 * Reads the short string of a quantizer.
 *
 *     spec  = { transform ">" } sum
 *     sum   = atom { "+" atom }
 *     atom  = name [ "(" arguments ")" ] | "split" groups "(" spec [ "," "shared" "=" "true" ] ")"
 *           | "(" spec ")" [ "(" arguments ")" ]
 *
 * `>` binds looser than `+`: `ae(64)>vq256+vq256` encodes, then quantizes twice. Options after parentheses are those of
 * the sum in them, as in `(vq256+vq64)(refine=joint)`. The names are the keys of `LEAVES`,
 * `TRANSFORMS` and `SUGAR` below, with their numbers written on (`vq256`, `pca64`, `rq3x256`).
 *
 * @throws {SpecError} with the offending range of the string and, for a misspelt name, the nearest right one
 */
export function parseSpec(text: string): Spec {
  const parser = new Parser(text);
  const spec = parser.spec();
  parser.end();
  return spec;
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

interface Arguments {
  readonly values: readonly number[];
  readonly options: Readonly<Record<string, unknown>>;
}

const NOTHING: Arguments = { values: [], options: {} };

/** What a name with so many numbers written on it builds. The result still goes through the checks. */
interface Name {
  readonly numbers: number;
  /** An example for error messages. */
  readonly example: string;
  /** Names of the options that it takes in parentheses. */
  readonly options?: readonly string[];
  /** Whether it takes a list of numbers in parentheses. */
  readonly list?: true;
  readonly build: (numbers: readonly number[], given: Arguments) => unknown;
}

const LEAVES: Readonly<Record<string, Name>> = {
  vq: {
    numbers: 1,
    example: "vq256",
    options: ["metric"],
    build: ([codebookSize], { options }) => ({ kind: "vq", codebookSize, ...options }),
  },
  sq: {
    numbers: 1,
    example: "sq8",
    options: ["levels", "range", "shared", "scale"],
    build: ([bits], { options }) => ({ kind: "sq", bits, ...options }),
  },
  fp: {
    numbers: 1,
    example: "fp16",
    build: ([bits]) => ({ kind: "sq", bits, levels: "fp16" }),
  },
  bf: {
    numbers: 1,
    example: "bf16",
    build: ([bits]) => ({ kind: "sq", bits, levels: "bf16" }),
  },
  sign: {
    numbers: 0,
    example: "sign",
    options: ["bits", "threshold", "estimator"],
    build: (_, { options }) => ({ kind: "sign", ...options }),
  },
  fsq: {
    numbers: 0,
    example: "fsq(8,5,5,5)",
    list: true,
    options: ["scale"],
    build: (_, { values, options }) => ({ kind: "fsq", levels: values, ...options }),
  },
};

const TRANSFORMS: Readonly<Record<string, Name>> = {
  ...Object.fromEntries(
    ["center", "normalize", "rotation", "hadamard", "opq", "itq"].map((kind) => [
      kind,
      { numbers: 0, example: `${kind}>…`, build: () => ({ kind }) },
    ]),
  ),
  pca: {
    numbers: 1,
    example: "pca64>…",
    options: ["whiten"],
    build: ([dimension], { options }) => ({ kind: "pca", dimension, ...options }),
  },
  ae: {
    numbers: 0,
    example: "ae(512,256,128,64)>…",
    list: true,
    build: (_, { values }) => ({ kind: "ae", widths: values }),
  },
};

const vq = (codebookSize: number | undefined) => ({ kind: "vq", codebookSize });
const residual = (levels: number | undefined, size: number | undefined) => ({
  kind: "residual",
  // The count is checked before anything of that length is made.
  levels: levels! >= 1 && levels! <= 64 ? Array.from({ length: levels! }, () => vq(size)) : [],
});
const split = (groups: number | undefined, each: unknown) => ({ kind: "split", groups, each });
const transformed = (transform: unknown, quantizer: unknown) => ({
  kind: "transformed",
  transform,
  quantizer,
});

const SUM_OPTIONS = ["refine", "start", "shared"];
/** What a sum in parentheses takes in parentheses after it. */
const SUM: Name = {
  numbers: 0,
  example: "(…+…)",
  options: SUM_OPTIONS,
  build: (_, { options }) => options,
};

/** What `splitM(…)` takes in its parentheses after the sub-quantizer. */
const SPLIT: Name = {
  numbers: 1,
  example: "split4(vq256)",
  options: ["shared"],
  build: ([groups], { options }) => ({ kind: "split", groups, ...options }),
};

const SUGAR: Readonly<Record<string, Name>> = {
  lfq: {
    numbers: 1,
    example: "lfq12",
    build: ([dimension]) => ({
      kind: "fsq",
      // As for the levels of `rq`.
      levels: dimension! <= 2 ** 12 ? Array.from({ length: dimension! }, () => 2) : [],
      scale: "none",
    }),
  },
  rq: {
    numbers: 2,
    example: "rq3x256",
    options: SUM_OPTIONS,
    build: ([levels, size], { options }) => ({ ...residual(levels, size), ...options }),
  },
  aq: {
    numbers: 2,
    example: "aq8x256",
    build: ([levels, size]) => ({ ...residual(levels, size), refine: "joint", start: "best" }),
  },
  pq: { numbers: 2, example: "pq16x256", build: ([groups, size]) => split(groups, vq(size)) },
  opq: {
    numbers: 2,
    example: "opq16x256",
    build: ([groups, size]) => transformed({ kind: "opq" }, split(groups, vq(size))),
  },
  itq: {
    numbers: 1,
    example: "itq64",
    build: ([dimension]) =>
      transformed({ kind: "pca", dimension }, transformed({ kind: "itq" }, { kind: "sign" })),
  },
  rabitq: {
    numbers: 0,
    example: "rabitq",
    options: ["bits"],
    build: (_, { options }) =>
      transformed(
        { kind: "center" },
        transformed(
          { kind: "normalize" },
          transformed({ kind: "rotation" }, { kind: "sign", estimator: "rabitq", ...options }),
        ),
      ),
  },
  rqvae: {
    numbers: 2,
    example: "rqvae3x256",
    build: ([levels, size]) =>
      transformed({ kind: "ae", widths: DEFAULT_AUTOENCODER_WIDTHS }, residual(levels, size)),
  },
};

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  spec(): Spec {
    if (++this.#depth > 32) this.#fail("is nested too deeply", this.#peek());
    const transforms: TransformSpec[] = [];
    let transform = this.#transform();
    while (transform) {
      transforms.push(transform);
      transform = this.#transform();
    }
    const first = this.#peek();
    const levels = [this.#atom()];
    while (this.#accept("+")) levels.push(this.#atom());
    if (this.#peek().text === ">") {
      this.#fail('is after a quantizer; the left side of ">" is a transform', this.#peek());
    }
    const sum = this.#checked(first, () => checkSpec({ kind: "residual", levels }));
    this.#depth--;
    return transforms.reduceRight<Spec>(
      (quantizer, transform) => ({ kind: "transformed", transform, quantizer }),
      sum,
    );
  }

  end(): void {
    const token = this.#peek();
    if (token.text !== "") this.#fail("is not expected here", token);
  }

  /** A transform, if one followed by ">" comes next. */
  #transform(): TransformSpec | undefined {
    const start = this.#at;
    const token = this.#peek();
    const name = nameOf(token.text);
    const known = TRANSFORMS[name.word];
    if (known === undefined || name.numbers.length !== known.numbers) return undefined;
    this.#at++;
    const given = this.#arguments(known);
    if (this.#accept(">")) {
      return this.#checked(token, () => checkTransform(known.build(name.numbers, given)));
    }
    // `itq64` is sugar and `itq` a transform; `center` alone, or before "+", quantizes nothing.
    if (SUGAR[name.word]?.numbers === name.numbers.length) {
      this.#at = start;
      return undefined;
    }
    return this.#fail(
      "is a transform; it needs a quantizer after it",
      token,
      `write ${this.#text.slice(token.start, this.#tokens[this.#at - 1]!.end)}>vq256, say`,
    );
  }

  #atom(): Spec {
    const token = this.#peek();
    if (this.#accept("(")) {
      const inner = this.spec();
      this.#expect(")");
      const options = this.#peek();
      if (options.text !== "(") return inner;
      if (!isPlainSum(inner)) this.#fail("follows no sum that takes options", options);
      const given = this.#arguments(SUM);
      return this.#checked(token, () => checkSpec({ ...inner, ...given.options }));
    }
    if (!/^[a-z]/i.test(token.text)) {
      this.#fail(
        token.text === ""
          ? "ends where a quantizer is expected"
          : "stands where a quantizer is expected",
        token,
        "quantizers are vq256, rq3x256, pq16x256, sq8, sign, …",
      );
    }
    this.#at++;
    const split = /^split(\d+)$/.exec(token.text);
    if (split) {
      this.#expect("(");
      const each = this.spec();
      const given = this.#accept(",") ? this.#list(SPLIT) : NOTHING;
      this.#expect(")");
      const fields = SPLIT.build([Number(split[1])], given) as object;
      return this.#checked(token, () => checkSpec({ ...fields, each }));
    }
    const name = nameOf(token.text);
    const known = LEAVES[name.word] ?? SUGAR[name.word];
    if (known === undefined && TRANSFORMS[name.word]?.numbers === name.numbers.length) {
      this.#fail(
        "is a transform, and cannot stand inside a sum",
        token,
        `put it in parentheses with its quantizer: (${token.text}>…)`,
      );
    }
    if (known === undefined || name.numbers.length !== known.numbers) {
      const example = (known ?? TRANSFORMS[name.word])?.example;
      return this.#fail(
        "is not a quantizer",
        token,
        example ? `write it like ${example}` : suggest(token.text),
      );
    }
    const given = this.#arguments(known);
    return this.#checked(token, () => checkSpec(known.build(name.numbers, given)));
  }

  /** `(8,5,5,5)` or `(metric=cosine,bits=4)`, if there is one. */
  #arguments(name: Name): Arguments {
    if (!this.#accept("(")) return NOTHING;
    const given = this.#list(name);
    this.#expect(")");
    return given;
  }

  /** What stands between the parentheses. */
  #list(name: Name): Arguments {
    const values: number[] = [];
    const options: Record<string, unknown> = {};
    do {
      const token = this.#next();
      if (name.list && /^\d+$/.test(token.text)) values.push(Number(token.text));
      else if (/^[a-z]/i.test(token.text) && this.#accept("=")) {
        if (!name.options?.includes(token.text)) {
          const takes = name.options ? `takes ${name.options.join(", ")}` : "takes no options";
          this.#fail(`is not an option of ${name.example}, which ${takes}`, token);
        }
        const value = this.#next();
        if (!/^\w+$/.test(value.text)) this.#fail(`is not a value for ${token.text}`, value);
        if (Object.hasOwn(options, token.text)) this.#fail("is given twice", token);
        options[token.text] = /^\d+$/.test(value.text)
          ? Number(value.text)
          : value.text === "true"
            ? true
            : value.text;
      } else this.#fail(`stands where ${name.list ? "a number" : "name=value"} is expected`, token);
    } while (this.#accept(","));
    return { values, options };
  }

  /** Runs a check of the part that began at `from`, and points its error at that part. */
  #checked<T>(from: Token, check: () => T): T {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof SpecError) || error.input !== undefined) throw error;
      const end = this.#tokens[this.#at - 1]?.end ?? from.end;
      throw new SpecError(
        `${error.message.replace(/^spec\.?/, "")} in "${this.#text.slice(from.start, end)}"`,
        {
          input: this.#text,
          start: from.start,
          end,
        },
      );
    }
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { text: "", start: this.#text.length, end: this.#text.length };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #accept(text: string): boolean {
    if (this.#peek().text !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) this.#fail(`stands where "${text}" is expected`, this.#peek());
  }

  #fail(problem: string, token: Token, hint?: string): never {
    throw new SpecError(`${token.text === "" ? "the spec" : `"${token.text}"`} ${problem}`, {
      input: this.#text,
      start: token.start,
      end: token.end,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(/\s+|[A-Za-z]\w*|\d+|[^]/g)) {
    const [token] = match;
    const start = match.index;
    if (token.trim() === "") continue;
    if (!/^(\w+|[+>(),=])$/.test(token)) {
      throw new SpecError(`"${token}" has no meaning in a spec`, { input: text, start });
    }
    tokens.push({ text: token, start, end: start + token.length });
  }
  return tokens;
}

/** `rq3x256` is the word `rq` with the numbers 3 and 256. */
function nameOf(token: string): { word: string; numbers: number[] } {
  const match = /^([a-z]+?)(\d+(?:x\d+)?)?$/.exec(token);
  if (!match) return { word: token, numbers: [] };
  return { word: match[1]!, numbers: match[2]?.split("x").map(Number) ?? [] };
}

function suggest(token: string): string {
  const { word, numbers } = nameOf(token.toLowerCase().replace(/[^a-z0-9]/g, ""));
  let best: Name = SPLIT;
  let fewest = Infinity;
  for (const [name, known] of Object.entries({
    ...LEAVES,
    ...SUGAR,
    ...TRANSFORMS,
    split: SPLIT,
  })) {
    const edits = editDistance(word, name) + 2 * Math.abs(known.numbers - numbers.length);
    if (edits < fewest) {
      fewest = edits;
      best = known;
    }
  }
  return `did you mean ${best.example}?`;
}

/** Levenshtein's distance, in which swapping two neighbours is one edit (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const cost: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = cost[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        substitute,
        cost[i - 1]![j]! + 1,
        row[j - 1]! + 1,
        swapped ? cost[i - 2]![j - 2]! + 1 : Infinity,
      );
    }
    cost.push(row);
  }
  return cost[a.length]![b.length]!;
}
