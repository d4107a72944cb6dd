import { MAX_CARDINALITY } from "../codes.js";
import { SpecError } from "../errors.js";
import type { ResidualSpec, Spec, TransformSpec } from "./types.js";

const SQ_BITS = [1, 2, 4, 6, 8];
/** Deep enough for any real quantizer; stops a hostile file from exhausting the stack. */
const MAX_DEPTH = 32;

/**
 * Checks a spec that came from outside (parsed JSON, say) and returns its canonical form: defaults left out, residuals
 * flattened, a residual or split of one replaced by what is in it.
 *
 * @throws {SpecError} whose message names the offending field, such as `levels[1].codebookSize`
 */
export function checkSpec(value: unknown, path = "", depth = 0): Spec {
  if (depth > MAX_DEPTH) fail(path, `is nested deeper than ${MAX_DEPTH}`);
  const fields = record(value, path);
  switch (fields["kind"]) {
    case "vq": {
      only(fields, path, ["codebookSize", "metric"]);
      const codebookSize = integer(fields, path, "codebookSize", 1, MAX_CARDINALITY);
      const metric = choice(fields, path, "metric", ["l2", "ip", "cosine"], "l2");
      return { kind: "vq", codebookSize, ...(metric === "l2" ? {} : { metric }) };
    }
    case "sq": {
      only(fields, path, ["bits", "levels", "range", "shared", "scale"]);
      const levels = choice(
        fields,
        path,
        "levels",
        ["uniform", "quantile", "lloydmax", "fp16", "bf16"],
        "uniform",
      );
      const bits = integer(fields, path, "bits", 1, 16);
      const float = levels === "fp16" || levels === "bf16";
      if (float ? bits !== 16 : !SQ_BITS.includes(bits)) {
        fail(
          `${path}.bits`,
          `is ${bits}; it may be ${SQ_BITS.join(", ")}, or 16 for fp16 and bf16`,
        );
      }
      const ranges = ["minmax", "quantile", "meanstd", "optimal"] as const;
      const range = choice(fields, path, "range", ranges, "minmax");
      if (range !== "minmax" && levels !== "uniform") {
        fail(`${path}.range`, `applies to uniform levels only, and levels is ${levels}`);
      }
      const scale = choice(fields, path, "scale", ["none", "optimal", "unbiased"], "none");
      if (scale !== "none" && levels !== "lloydmax") {
        fail(`${path}.scale`, `applies to lloydmax levels only, and levels is ${levels}`);
      }
      const shared = flag(fields, path, "shared");
      if (shared && (float || scale !== "none")) {
        fail(
          `${path}.shared`,
          "applies to levels that are learned, and these are the same for all",
        );
      }
      return {
        kind: "sq",
        bits,
        ...(levels === "uniform" ? {} : { levels }),
        ...(range === "minmax" ? {} : { range }),
        ...(shared ? { shared } : {}),
        ...(scale === "none" ? {} : { scale }),
      };
    }
    case "sign": {
      only(fields, path, ["bits", "threshold", "estimator"]);
      const bits = fields["bits"] === undefined ? 1 : integer(fields, path, "bits", 1, 9);
      const threshold = choice(fields, path, "threshold", ["zero", "mean", "median"], "zero");
      const estimator = choice(fields, path, "estimator", ["none", "rabitq"], "none");
      if (bits > 1 && estimator === "none") {
        fail(`${path}.bits`, `is ${bits}, which takes estimator rabitq; sq has levels without one`);
      }
      if (threshold !== "zero" && estimator !== "none") {
        fail(`${path}.threshold`, `is ${threshold}; estimator ${estimator} takes signs about zero`);
      }
      return {
        kind: "sign",
        ...(bits === 1 ? {} : { bits }),
        ...(threshold === "zero" ? {} : { threshold }),
        ...(estimator === "none" ? {} : { estimator }),
      };
    }
    case "fsq": {
      only(fields, path, ["levels", "scale"]);
      const levels = integers(fields, path, "levels", 2, 256);
      const scale = choice(fields, path, "scale", ["learned", "none"], "learned");
      return { kind: "fsq", levels, ...(scale === "learned" ? {} : { scale }) };
    }
    case "residual": {
      only(fields, path, ["levels", "refine", "start", "shared"]);
      const items = list(fields, path, "levels", 64);
      const levels = items
        .map((item, i) => checkSpec(item, `${path}.levels[${i}]`, depth + 1))
        .flatMap((level) => (isPlainSum(level) ? level.levels : [level]));
      const options = residualOptions(fields, path, levels);
      return levels.length === 1 ? levels[0]! : { kind: "residual", levels, ...options };
    }
    case "split": {
      only(fields, path, ["groups", "each", "shared"]);
      const groups = integer(fields, path, "groups", 1, 2 ** 16);
      const each = checkSpec(fields["each"], `${path}.each`, depth + 1);
      const shared = flag(fields, path, "shared");
      return groups === 1 ? each : { kind: "split", groups, each, ...(shared ? { shared } : {}) };
    }
    case "transformed": {
      only(fields, path, ["transform", "quantizer"]);
      const transform = checkTransform(fields["transform"], `${path}.transform`);
      const quantizer = checkSpec(fields["quantizer"], `${path}.quantizer`, depth + 1);
      return { kind: "transformed", transform, quantizer };
    }
    default:
      return fail(
        `${path}.kind`,
        `is ${show(fields["kind"])}; it may be vq, sq, sign, fsq, residual, split or transformed`,
      );
  }
}

/** {@link checkSpec} for a transform. */
export function checkTransform(value: unknown, path = ""): TransformSpec {
  const fields = record(value, path);
  switch (fields["kind"]) {
    case "center":
    case "normalize":
    case "rotation":
    case "hadamard":
    case "opq":
    case "itq":
      only(fields, path, []);
      return { kind: fields["kind"] };
    case "pca": {
      only(fields, path, ["dimension", "whiten"]);
      const dimension = integer(fields, path, "dimension", 1, 2 ** 24);
      const whiten = flag(fields, path, "whiten");
      return { kind: "pca", dimension, ...(whiten ? { whiten } : {}) };
    }
    case "ae":
      only(fields, path, ["widths"]);
      return { kind: "ae", widths: integers(fields, path, "widths", 1, 2 ** 24) };
    default:
      return fail(
        `${path}.kind`,
        `is ${show(fields["kind"])}; it may be center, normalize, rotation, hadamard, pca, opq, itq or ae`,
      );
  }
}

/** Whether a spec is a residual without options, which is the same as its levels one after another. */
export function isPlainSum(spec: Spec): spec is ResidualSpec {
  return spec.kind === "residual" && !spec.refine && !spec.shared;
}

function residualOptions(
  fields: Fields,
  path: string,
  levels: readonly Spec[],
): Omit<ResidualSpec, "kind" | "levels"> {
  const refine = choice(fields, path, "refine", ["none", "joint"], "none");
  const start = choice(fields, path, "start", ["rq", "best"], "rq");
  const shared = flag(fields, path, "shared");
  const other = levels.findIndex((level) => level.kind !== "vq" || level.metric !== undefined);
  const sizes = new Set(levels.map((level) => (level.kind === "vq" ? level.codebookSize : 0)));
  for (const [name, given, sameSize] of [
    ["refine", refine !== "none", false],
    ["start", start !== "rq", true],
    ["shared", shared, true],
  ] as const) {
    if (!given) continue;
    if (other >= 0) fail(`${path}.${name}`, `takes levels of plain vq; level ${other + 1} is none`);
    if (sameSize && sizes.size > 1) {
      fail(`${path}.${name}`, `takes levels of one size, not of ${[...sizes].join(", ")}`);
    }
  }
  if (start !== "rq" && refine === "none") fail(`${path}.start`, "applies with refine=joint only");
  if (shared && refine !== "none") fail(`${path}.shared`, "does not go with refine");
  return {
    ...(refine === "none" ? {} : { refine }),
    ...(start === "rq" ? {} : { start }),
    ...(shared ? { shared } : {}),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fail(path: string, problem: string): never {
  throw new SpecError(`spec${path} ${problem}`);
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}

function record(value: unknown, path: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fail(path, `is ${show(value)}; it must be an object with a kind`);
  }
  return value as Fields;
}

function only(fields: Fields, path: string, known: readonly string[]): void {
  for (const name of Object.keys(fields)) {
    if (name !== "kind" && !known.includes(name)) {
      fail(
        path,
        `has an unknown field "${name}"; ${String(fields["kind"])} takes ${known.join(", ") || "none"}`,
      );
    }
  }
}

function integer(fields: Fields, path: string, name: string, low: number, high: number): number {
  return integerAt(fields[name], `${path}.${name}`, low, high);
}

function integerAt(value: unknown, path: string, low: number, high: number): number {
  if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
    return fail(path, `is ${show(value)}; it must be an integer from ${low} to ${high}`);
  }
  return value as number;
}

function list(fields: Fields, path: string, name: string, longest: number): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value) || value.length === 0 || value.length > longest) {
    return fail(`${path}.${name}`, `must be a list of 1 to ${longest} items`);
  }
  return value;
}

function integers(fields: Fields, path: string, name: string, low: number, high: number): number[] {
  return list(fields, path, name, 2 ** 12).map((item, i) =>
    integerAt(item, `${path}.${name}[${i}]`, low, high),
  );
}

function flag(fields: Fields, path: string, name: string): boolean {
  const value = fields[name];
  if (value !== undefined && typeof value !== "boolean") {
    return fail(`${path}.${name}`, `is ${show(value)}; it may be true or false`);
  }
  return value ?? false;
}

function choice<T extends string>(
  fields: Fields,
  path: string,
  name: string,
  allowed: readonly T[],
  otherwise: T,
): T {
  const value = fields[name];
  if (value === undefined) return otherwise;
  if (!(allowed as readonly unknown[]).includes(value)) {
    return fail(`${path}.${name}`, `is ${show(value)}; it may be ${allowed.join(", ")}`);
  }
  return value as T;
}
