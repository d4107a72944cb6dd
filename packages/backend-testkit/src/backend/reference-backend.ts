import {
  ShapeError,
  type Assignment,
  type AssignOptions,
  type BackendInfo,
  type BeamCodes,
  type ClusterSums,
  type CompleteBackend,
  type ComputeBackend,
  type DType,
  type MatmulOptions,
  type ScalarEncodeOptions,
  type ScalarOptions,
  type Tensor,
  TRAINING_KERNELS,
} from "@tessera/core";
import {
  checkBits,
  checkChoice,
  checkInteger,
  checkLevels,
  checkRows,
  checkShape,
  codebookShape,
} from "./arguments.js";
import { referenceKernels } from "./kernels.js";
import { ReferenceDistributions } from "./reference-distributions.js";
import { part, run, values, type Result } from "./result.js";
import type { Content } from "./reference-tensor.js";

export interface ReferenceBackendOptions {
  /** Leaves out the optional kernels, so that the fallbacks of `completeBackend` run. Default: false. */
  readonly minimal?: boolean | undefined;
}

/**
 * A complete backend in plain TypeScript: float32 in and out, float64 between. Slow and simple; for tests.
 *
 * Each kernel is computed when it is called, which is one way to keep an in-order queue; errors in the data still wait
 * for `read()`.
 */
export function createReferenceBackend(options?: {
  readonly minimal?: false | undefined;
}): CompleteBackend;
export function createReferenceBackend(options: ReferenceBackendOptions): ComputeBackend;
export function createReferenceBackend(options: ReferenceBackendOptions = {}): ComputeBackend {
  const backend = new ReferenceBackend(referenceKernels);
  return options.minimal ? withoutOptionalKernels(backend) : backend;
}

/** The reference backend over a table of kernels. */
export class ReferenceBackend extends ReferenceDistributions implements CompleteBackend {
  readonly info: BackendInfo = {
    name: "reference",
    device: "plain TypeScript, float64",
    features: [],
    threads: 1,
    maxTensorBytes: 2 ** 31,
  };

  assignTopK(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    count: number,
    { metric = "l2" }: AssignOptions = {},
  ): Assignment {
    const input = this.content(x, "x", "float32");
    const books = this.content(codebooks, "codebooks", "float32");
    const shape = codebookShape(codebooks);
    const rows = checkRows(x, "x", shape);
    checkInteger(count, "count", 1, Math.min(shape.codebookSize, 256));
    checkChoice(metric, "metric", ["l2", "ip"]);
    return this.#assignment([rows, shape.groups, count], [input, books], () =>
      this.kernels.assignTopK(values(input), values(books), shape, count, metric),
    );
  }

  assign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    { metric = "l2" }: AssignOptions = {},
  ): Assignment {
    const input = this.content(x, "x", "float32");
    const books = this.content(codebooks, "codebooks", "float32");
    const shape = codebookShape(codebooks);
    const rows = checkRows(x, "x", shape);
    checkChoice(metric, "metric", ["l2", "ip"]);
    return this.#assignment([rows, shape.groups], [input, books], () =>
      this.kernels.assign(values(input), values(books), shape, metric),
    );
  }

  beamSearch(
    x: Tensor<"float32">,
    codebooks: readonly Tensor<"float32">[],
    beam: number,
  ): BeamCodes {
    const input = this.content(x, "x", "float32");
    const books = codebooks.map((book, l) => this.content(book, `codebooks[${l}]`, "float32"));
    checkShape(x, "x", [undefined, undefined]);
    const [rows, dimension] = x.shape as [number, number];
    checkLevels(codebooks, dimension);
    checkInteger(beam, "beam", 1, 256);
    return this.#assignment([codebooks.length, rows], [input, ...books], () =>
      this.kernels.beamSearch(values(input), books.map(values), dimension, beam),
    );
  }

  gather(codebooks: Tensor<"float32">, codes: Tensor<"int32">): Tensor<"float32"> {
    const books = this.content(codebooks, "codebooks", "float32");
    const held = this.content(codes, "codes", "int32");
    const shape = codebookShape(codebooks);
    checkShape(codes, "codes", [undefined, shape.groups]);
    return this.floats(
      [codes.shape[0]!, shape.groups * shape.dimension],
      run([books, held], () => this.kernels.gather(values(books), values(held), shape)),
    );
  }

  residual(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    codes: Tensor<"int32">,
    parents?: Tensor<"int32">,
  ): Tensor<"float32"> {
    const input = this.content(x, "x", "float32");
    const books = this.content(codebooks, "codebooks", "float32");
    const held = this.content(codes, "codes", "int32");
    const from = parents && this.content(parents, "parents", "int32");
    const shape = codebookShape(codebooks);
    const rows = checkRows(x, "x", shape);
    checkShape(codes, "codes", [parents ? undefined : rows, shape.groups]);
    if (parents) checkShape(parents, "parents", [codes.shape[0]]);
    return this.floats(
      [codes.shape[0]!, shape.groups * shape.dimension],
      run([input, books, held, from], () =>
        this.kernels.residual(
          values(input),
          values(books),
          values(held),
          shape,
          from && values(from),
        ),
      ),
    );
  }

  clusterSums(
    x: Tensor<"float32">,
    codes: Tensor<"int32">,
    codebookSize: number,
    weights?: Tensor<"float32">,
  ): ClusterSums {
    const input = this.content(x, "x", "float32");
    const held = this.content(codes, "codes", "int32");
    const weighting = weights && this.content(weights, "weights", "float32");
    checkShape(x, "x", [undefined, undefined]);
    const [rows, cols] = x.shape as [number, number];
    checkShape(codes, "codes", [rows, undefined]);
    const groups = codes.shape[1]!;
    checkInteger(codebookSize, "codebookSize", 1, 2 ** 24);
    if (weights) checkShape(weights, "weights", [rows]);
    if (groups === 0 || cols % groups !== 0) {
      throw new ShapeError(
        `rows of ${cols} values do not divide into the ${groups} groups of codes`,
        {
          hint: "x must have groups · dimension columns",
        },
      );
    }
    const shape = { groups, codebookSize, dimension: cols / groups };
    const result = run([input, held, weighting], () =>
      this.kernels.clusterSums(values(input), values(held), shape, weighting && values(weighting)),
    );
    return {
      sums: this.floats(
        [groups, codebookSize, shape.dimension],
        part(result, ({ sums }) => sums),
      ),
      counts: this.floats(
        [groups, codebookSize],
        part(result, ({ counts }) => counts),
      ),
    };
  }

  matmul(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    options: MatmulOptions = {},
  ): Tensor<"float32"> {
    const { transposeA = false, transposeB = false, bias, activation = "none" } = options;
    const left = this.content(a, "a", "float32");
    const right = this.content(b, "b", "float32");
    const added = bias && this.content(bias, "bias", "float32");
    checkShape(a, "a", [undefined, undefined]);
    const rows = a.shape[transposeA ? 1 : 0]!;
    const inner = a.shape[transposeA ? 0 : 1]!;
    checkShape(b, "b", transposeB ? [undefined, inner] : [inner, undefined]);
    const cols = b.shape[transposeB ? 0 : 1]!;
    if (bias) checkShape(bias, "bias", [cols]);
    checkChoice(activation, "activation", ["none", "relu"]);
    return this.floats(
      [rows, cols],
      run([left, right, added], () =>
        this.kernels.matmul(
          values(left),
          values(right),
          { rows, inner, cols },
          { transposeA, transposeB, bias: added && values(added), activation },
        ),
      ),
    );
  }

  combine(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    alpha: number,
    beta: number,
  ): Tensor<"float32"> {
    const left = this.content(a, "a", "float32");
    const right = this.content(b, "b", "float32");
    checkShape(b, "b", a.shape);
    return this.floats(
      a.shape,
      run([left, right], () => this.kernels.combine(values(left), values(right), alpha, beta)),
    );
  }

  take(x: Tensor<"float32">, indices: Tensor<"int32">): Tensor<"float32"> {
    const input = this.content(x, "x", "float32");
    const chosen = this.content(indices, "indices", "int32");
    checkShape(x, "x", [undefined, undefined]);
    checkShape(indices, "indices", [undefined]);
    const cols = x.shape[1]!;
    return this.floats(
      [indices.size, cols],
      run([input, chosen], () => this.kernels.take(values(input), values(chosen), cols)),
    );
  }

  scalarEncode(
    x: Tensor<"float32">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    options: ScalarEncodeOptions = {},
  ): Tensor<"uint8"> {
    const { bits = 8, levels = 2 ** bits } = options;
    const input = this.content(x, "x", "float32");
    const from = this.content(lower, "lower", "float32");
    const by = this.content(step, "step", "float32");
    checkShape(x, "x", [undefined, undefined]);
    const [rows, cols] = x.shape as [number, number];
    checkShape(lower, "lower", [cols]);
    checkShape(step, "step", [cols]);
    checkBits(bits);
    checkInteger(levels, "levels", 2, 2 ** bits);
    return this.#bytes(
      [rows, Math.ceil((cols * bits) / 8)],
      run([input, from, by], () =>
        this.kernels.scalarEncode(values(input), values(from), values(by), levels, bits),
      ),
    );
  }

  scalarDecode(
    codes: Tensor<"uint8">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    { bits = 8 }: ScalarOptions = {},
  ): Tensor<"float32"> {
    const held = this.content(codes, "codes", "uint8");
    const from = this.content(lower, "lower", "float32");
    const by = this.content(step, "step", "float32");
    checkShape(lower, "lower", [undefined]);
    checkShape(step, "step", [lower.size]);
    checkBits(bits);
    checkShape(codes, "codes", [undefined, Math.ceil((lower.size * bits) / 8)]);
    return this.floats(
      [codes.shape[0]!, lower.size],
      run([held, from, by], () =>
        this.kernels.scalarDecode(values(held), values(from), values(by), bits),
      ),
    );
  }

  thresholdEncode(
    x: Tensor<"float32">,
    thresholds: Tensor<"float32">,
    { bits = 8 }: ScalarOptions = {},
  ): Tensor<"uint8"> {
    const input = this.content(x, "x", "float32");
    const above = this.content(thresholds, "thresholds", "float32");
    checkShape(x, "x", [undefined, undefined]);
    const [rows, cols] = x.shape as [number, number];
    checkShape(thresholds, "thresholds", [undefined, cols]);
    checkBits(bits);
    const count = thresholds.shape[0]!;
    checkInteger(count, "the number of thresholds", 1, 2 ** bits - 1);
    return this.#bytes(
      [rows, Math.ceil((cols * bits) / 8)],
      run([input, above], () =>
        this.kernels.thresholdEncode(values(input), values(above), count, bits),
      ),
    );
  }

  packSigns(x: Tensor<"float32">, thresholds?: Tensor<"float32">): Tensor<"uint8"> {
    return this.scope(() => {
      const row = thresholds
        ? this.reshape(thresholds, [1, ...thresholds.shape])
        : this.zeros([1, x.shape[1] ?? 0], "float32");
      return this.thresholdEncode(x, row, { bits: 1 });
    });
  }

  #bytes(shape: readonly number[], result: Result<Uint8Array>): Tensor<"uint8"> {
    return this.create(
      "uint8",
      shape,
      "fault" in result ? result : { values: result.value.slice() },
    );
  }

  #assignment(
    shape: readonly number[],
    inputs: readonly (Content<DType> | undefined)[],
    kernel: () => { readonly codes: Int32Array; readonly distances: Float64Array },
  ): Assignment {
    const result = run(inputs, kernel);
    return {
      codes: this.create(
        "int32",
        shape,
        "fault" in result ? result : { values: result.value.codes },
      ),
      distances: this.floats(
        shape,
        part(result, ({ distances }) => distances),
      ),
    };
  }
}

/** The backend as an author may first write it: the required methods and nothing else. */
const OPTIONAL: ReadonlySet<string | symbol> = new Set<keyof ComputeBackend>([
  "borrow",
  "assign",
  "residual",
  "packSigns",
  "beamSearch",
  ...TRAINING_KERNELS,
  "scanRows",
  "scanTables",
  "scanBits",
]);

function withoutOptionalKernels(backend: ReferenceBackend): ComputeBackend {
  return new Proxy(backend, {
    get(target, property) {
      if (OPTIONAL.has(property)) return undefined;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
