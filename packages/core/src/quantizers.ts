import { FormatError, MissingPartError, ShapeError, TesseraError, VersionError } from "./errors.js";
import type { HostTensor } from "./host-tensor.js";
import { type FitOptions, type Model, MODEL_FORMAT_VERSION } from "./model.js";
import { Random } from "./random.js";
import { checkMatrix, isMatrix, type Matrix, type Rows } from "./rows.js";
import { decodeSafetensors } from "./safetensors.js";
import { type SpecLike, toSpec } from "./spec/build.js";
import { checkSpec } from "./spec/check.js";
import { printSpec, printTransform } from "./spec/print.js";
import { PART_PACKAGES, type Spec } from "./spec/types.js";

/**
 * What a package plugs in to run one kind of spec: how to learn it, and how to bring it back from a file.
 *
 * `fit` and `restore` may use the context to do the same for the specs inside theirs.
 */
export interface QuantizerPart<K extends Spec["kind"]> {
  readonly kind: K;
  /**
   * Looks at a spec before anything is fitted, for what is known to fail later.
   *
   * @throws {SpecError | MissingPartError}
   */
  check?(spec: SpecOf<K>): void;
  fit(spec: SpecOf<K>, rows: Rows, context: FitContext): Promise<Model>;
  restore(spec: SpecOf<K>, state: StateReader, context: RestoreContext): Model;
}

/** A part for any one kind of spec. */
export type AnyPart = { [K in Spec["kind"]]: QuantizerPart<K> }[Spec["kind"]];

export type SpecOf<K extends Spec["kind"]> = Extract<Spec, { readonly kind: K }>;

export interface FitContext {
  readonly options: FitOptions;
  /** This part's own seed, derived from the caller's by the part's place in the spec. */
  readonly seed: number;
  /**
   * Fits a spec inside this one. `name` is its place, such as `levels.1`; it names its random stream. An empty name is this
   * part's own place: the spec is fitted as if it stood there instead, with the same seed. `changes` replace some of the
   * options for it.
   */
  fit(spec: Spec, rows: Rows, name: string, changes?: Omit<FitOptions, "seed">): Promise<Model>;
}

export interface RestoreContext {
  restore(spec: Spec, state: StateReader): Model;
}

/** Fits and loads every spec whose parts it was given. */
export interface Quantizers {
  /**
   * Learns a model.
   *
   * @param rows `[n, d]`, or batches of it
   * @throws {SpecError} if the spec is malformed, {@link MissingPartError} if it needs a part that was not given
   */
  fit(spec: SpecLike, rows: Rows, options?: FitOptions): Promise<Model>;
  /**
   * Reads the bytes of a model file.
   *
   * @throws {FormatError} if they are not one, {@link VersionError} if it is newer than this build
   */
  load(bytes: Uint8Array): Model;
}

/** Joins parts, one for each kind of spec, into one `fit` and one `load`. */
export function createQuantizers(parts: readonly AnyPart[]): Quantizers {
  const byKind = new Map<string, AnyPart>(parts.map((part) => [part.kind, part]));
  const partFor = (spec: Spec): AnyPart => {
    const missing = missingPart(spec, byKind);
    if (missing) throw missing;
    return byKind.get(spec.kind)!;
  };

  const fitNode = (spec: Spec, rows: Rows, options: FitOptions, seed: number): Promise<Model> =>
    partFor(spec).fit(spec as never, rows, {
      options,
      seed,
      fit: (inner, innerRows, name, changes) =>
        fitNode(
          inner,
          innerRows,
          placed({ ...options, ...changes }, name),
          name === "" ? seed : new Random(seed).stream(name).uint32(),
        ),
    });
  const restore = (spec: Spec, state: StateReader): Model =>
    partFor(spec).restore(spec as never, state, { restore });

  return {
    async fit(spec, rows, options = {}) {
      const checked = toSpec(spec);
      // The whole spec is checked before any work, so that hours of fitting cannot end in a missing package.
      for (const node of specNodes(checked)) partFor(node).check?.(node as never);
      if (isMatrix(rows)) {
        checkMatrix(rows);
        if (rows.rows === 0) throw new ShapeError("there are no rows to fit on");
      }
      const seed = options.seed ?? 0;
      return fitNode(checked, rows, options, seed);
    },
    load(bytes) {
      const { tensors, metadata } = decodeSafetensors(bytes);
      if (metadata["format"] !== "tessera") {
        throw new FormatError("this .safetensors file is not a Tessera model", {
          hint: "models are written by model.save() or `tessera fit`",
        });
      }
      const version = metadata["format_version"] ?? "missing";
      if (!/^[1-9]\d{0,8}$/.test(version)) {
        throw new FormatError(`the model's format_version is ${JSON.stringify(version)}`);
      }
      if (Number(version) > MODEL_FORMAT_VERSION) {
        throw new VersionError(version, MODEL_FORMAT_VERSION);
      }
      const facts = parseJson(metadata["facts"] ?? "{}", "facts");
      if (!isObject(facts)) throw new FormatError("the model's facts are not a JSON object");
      const spec = checkSpec(parseJson(metadata["spec"], "spec"));
      return restore(spec, new StateReader(tensors, facts));
    },
  };
}

/** The same options for a part inside, whose place those who are told of its progress learn. */
function placed(options: FitOptions, name: string): FitOptions {
  const { onProgress } = options;
  if (!onProgress || name === "") return options;
  return {
    ...options,
    onProgress: (progress) => {
      const place = progress.place === undefined ? name : `${name}.${progress.place}`;
      return onProgress({ ...progress, place });
    },
  };
}

/** Typed access to a model file's tensors: each is checked for presence, shape and finite values. */
export class StateReader {
  readonly #tensors: ReadonlyMap<string, HostTensor>;
  readonly #prefix: string;
  /** Figures and settings that the model was saved with. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    tensors: ReadonlyMap<string, HostTensor>,
    facts: Readonly<Record<string, unknown>> = {},
    prefix = "",
  ) {
    this.#tensors = tensors;
    this.#prefix = prefix;
    this.facts = facts;
  }

  /**
   * The state of the model at `name`, such as `levels.0`: the tensors whose names start so, by the rest of their names,
   * and the facts found along the same path.
   */
  child(name: string): StateReader {
    let facts: unknown = this.facts;
    for (const step of name.split(".")) {
      facts = isObject(facts) && Object.hasOwn(facts, step) ? facts[step] : undefined;
    }
    return new StateReader(this.#tensors, isObject(facts) ? facts : {}, `${this.#prefix}${name}.`);
  }

  /** A float32 matrix of finite values with the number of rows that the spec calls for. */
  matrix(name: string, rows: number): Matrix {
    const full = this.#prefix + name;
    const tensor = this.#tensors.get(full);
    if (!tensor) throw new FormatError(`the model has no tensor "${full}"`);
    const [found, cols, ...rest] = tensor.shape;
    if (tensor.dtype !== "F32" || found !== rows || !cols || rest.length > 0) {
      throw new FormatError(
        `tensor "${full}" is ${tensor.dtype} [${tensor.shape.join(", ")}]; the spec needs F32 [${rows}, d]`,
      );
    }
    const data = tensor.data as Float32Array;
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new FormatError(
        `tensor "${full}" has a value that is not finite at row ${Math.floor(bad / cols)}`,
      );
    }
    return { data, rows, cols };
  }
}

function* specNodes(spec: Spec): Generator<Spec> {
  yield spec;
  if (spec.kind === "residual") for (const level of spec.levels) yield* specNodes(level);
  if (spec.kind === "split") yield* specNodes(spec.each);
  if (spec.kind === "transformed") yield* specNodes(spec.quantizer);
}

function missingPart(
  spec: Spec,
  known: ReadonlyMap<string, AnyPart>,
): MissingPartError | undefined {
  if (known.has(spec.kind)) return undefined;
  return spec.kind === "transformed"
    ? new MissingPartError(
        `${printTransform(spec.transform)}>…`,
        PART_PACKAGES[spec.transform.kind],
      )
    : new MissingPartError(printSpec(spec), PART_PACKAGES[spec.kind]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function parseJson(text: string | undefined, what: string): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch (error) {
    throw error instanceof TesseraError
      ? error
      : new FormatError(`the model's ${what} is not JSON`, { cause: error });
  }
}
