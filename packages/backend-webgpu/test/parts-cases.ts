import { gaussianMatrix, randomCodes } from "@tessera/backend-testkit";
import type { OptimizerUpdate, Tensor } from "@tessera/core";
import type { WebGpuBackend } from "../src/backend.js";

export const ROWS = 700;
export const COLUMNS = 6;

/** Fewer bytes than 700 rows of 6 values have, and more than 256 rows. */
export const MOST = 8192;

/** Fewer bytes than 300 rows of 300 values have, and more than 256 rows. */
const MOST_OF_SQUARE = 320_000;

/** Fewer bytes than the values that `sumOfSquares` is given here have, and more than the spans that it adds them up in. */
const MOST_OF_SPANS = 20_480;

type Made = Readonly<Record<string, Tensor>>;

/** What a kernel makes of more bytes than can be bound at once. */
export interface PartsCase {
  /** The method of the backend. */
  readonly kernel: Extract<keyof WebGpuBackend, string>;
  readonly most?: number;
  make(inputs: Inputs): Made;
}

/** Tensors by name, made on first use. Each kind of them is larger than `MOST` by its rows. */
export class Inputs {
  readonly backend: WebGpuBackend;
  readonly rows: number;
  /** Rows and columns of what is square. */
  readonly side: number;

  /** @param rows fewer than `ROWS` where it is not parts that are tried */
  constructor(backend: WebGpuBackend, rows: number = ROWS) {
    this.backend = backend;
    this.rows = rows;
    this.side = Math.min(300, rows);
  }

  floats(seed: number, ...shape: readonly [number, ...number[]]): Tensor<"float32"> {
    const size = shape.reduce((product, extent) => product * extent);
    return this.backend.tensor(gaussianMatrix(size, 1, { seed }).data, shape);
  }

  positive(seed: number, ...shape: readonly [number, ...number[]]): Tensor<"float32"> {
    const size = shape.reduce((product, extent) => product * extent);
    return this.backend.tensor(gaussianMatrix(size, 1, { seed }).data.map(Math.abs), shape);
  }

  /** Values below `limit`. */
  codes(seed: number, rows: number, columns: number, limit: number): Tensor<"int32"> {
    return this.backend.tensor(randomCodes(rows, columns, limit, { seed }), [rows, columns]);
  }

  bytes(seed: number, ...shape: readonly [number, ...number[]]): Tensor<"uint8"> {
    const size = shape.reduce((product, extent) => product * extent);
    return this.backend.tensor(Uint8Array.from(randomCodes(size, 1, 256, { seed })), shape);
  }

  /** `[rows, 6]` */
  x(seed = 1): Tensor<"float32"> {
    return this.floats(seed, this.rows, COLUMNS);
  }

  /** `[6]` */
  row(seed = 2): Tensor<"float32"> {
    return this.positive(seed, COLUMNS);
  }
}

const norm = (inputs: Inputs) => ({ scale: inputs.row(30), shift: inputs.row(31) });

const books = (inputs: Inputs) => inputs.floats(32, 2, 5, 3);

/** A step of an optimizer, whose tensors are slices of one as those of a network are, and of another. */
function stepCase(update: OptimizerUpdate, states: number): PartsCase {
  return {
    kernel: "optimizerStep",
    make: (inputs) => {
      const { backend } = inputs;
      const held = inputs.positive(40, 2 * 4000);
      const parameters = backend.slice(held, 0, 4000);
      const first = backend.slice(held, 4000, 8000);
      const state = [first, inputs.positive(41, 4000)].slice(0, states);
      const clip = { squaredNorm: inputs.positive(42, 1), limit: 0.1 };
      backend.optimizerStep(parameters, inputs.floats(43, 4000), state, { ...update, clip });
      const made = Object.fromEntries(state.map((tensor, i) => [`state ${i}`, tensor]));
      return { [`${update.rule}, parameters`]: parameters, ...made };
    },
  };
}

function scanCases(): PartsCase[] {
  const count = 9;
  const scaling = (inputs: Inputs, rows: number) => ({
    scales: inputs.positive(50, rows),
    offsets: inputs.floats(51, rows),
    allowed: inputs.bytes(52, Math.ceil(rows / 8)),
  });
  return [
    {
      kernel: "scanRows",
      make: (inputs) => {
        const options = { ...scaling(inputs, inputs.rows), firstIndex: 5 };
        const { indices, distances } = inputs.backend.scanRows(
          inputs.floats(53, 3, COLUMNS),
          inputs.x(),
          count,
          options,
        );
        // More queries than fit, either.
        const many = inputs.backend.scanRows(
          inputs.floats(54, 40, 60),
          inputs.floats(55, 40, 60),
          2,
        );
        return { indices, distances, "of many queries": many.indices };
      },
    },
    {
      kernel: "scanTables",
      make: (inputs) => {
        const { backend } = inputs;
        const rows = 3000;
        const codes = inputs.bytes(56, Math.ceil(rows / 32), 3, 32);
        const tables = inputs.floats(57, 4, 3, 256);
        const options = { rows, ...scaling(inputs, rows) };
        const { indices, distances } = backend.scanTables(tables, codes, count, options);
        const probes = {
          starts: backend.tensor(Int32Array.of(0, 2400, 32, 64, 2720, 320, 0, 0), [4, 2]),
          ends: backend.tensor(Int32Array.of(2000, 3000, 50, 2999, 2800, 2900, 0, 9), [4, 2]),
          biases: inputs.floats(58, 4, 2),
        };
        const found = { indices, distances };
        const probed = backend.scanTables(tables, codes, count, { rows, probes, found });
        return { indices, distances, "of probes": probed.indices, biased: probed.distances };
      },
    },
    {
      kernel: "scanBits",
      make: (inputs) => {
        const options = { allowed: inputs.bytes(52, Math.ceil(3001 / 8)) };
        return {
          ...inputs.backend.scanBits(
            inputs.bytes(59, 3, 5),
            inputs.bytes(60, 3001, 5),
            count,
            options,
          ),
        };
      },
    },
  ];
}

const CODEBOOK_CASES: readonly PartsCase[] = [
  { kernel: "assign", make: (inputs) => ({ ...inputs.backend.assign(inputs.x(), books(inputs)) }) },
  {
    kernel: "assignTopK",
    make: (inputs) => ({ ...inputs.backend.assignTopK(inputs.x(), books(inputs), 3) }),
  },
  {
    kernel: "beamSearch",
    make: (inputs) => {
      const level = inputs.floats(3, 1, 7, COLUMNS);
      // Codes of all levels are more bytes than the rows of a level.
      return { ...inputs.backend.beamSearch(inputs.x(), [level, level, level], 2) };
    },
  },
  {
    kernel: "gather",
    make: (inputs) => ({
      out: inputs.backend.gather(books(inputs), inputs.codes(5, inputs.rows, 2, 5)),
    }),
  },
  {
    kernel: "residual",
    make: (inputs) => {
      const codes = inputs.codes(5, inputs.rows, 2, 5);
      const parents = inputs.backend.reshape(inputs.codes(6, inputs.rows, 1, inputs.rows), [
        inputs.rows,
      ]);
      return {
        out: inputs.backend.residual(inputs.x(), books(inputs), codes),
        "with parents": inputs.backend.residual(inputs.x(), books(inputs), codes, parents),
      };
    },
  },
  {
    kernel: "take",
    make: (inputs) => {
      const order = inputs.backend.reshape(inputs.codes(6, inputs.rows, 1, inputs.rows), [
        inputs.rows,
      ]);
      return { out: inputs.backend.take(inputs.x(), order) };
    },
  },
  {
    kernel: "clusterSums",
    make: (inputs) => {
      const weights = inputs.positive(7, inputs.rows);
      const codes = inputs.codes(5, inputs.rows, 2, 5);
      return { ...inputs.backend.clusterSums(inputs.x(), codes, 5, weights) };
    },
  },
  {
    kernel: "balancedAssign",
    make: (inputs) => {
      const options = { epsilon: 0.1, iterations: 2 };
      const once = { ...options, iterations: 1 };
      return {
        codes: inputs.backend.balancedAssign(inputs.x(), books(inputs), once),
        // Distances are larger than the rows.
        "of many codewords": inputs.backend.balancedAssign(
          inputs.floats(8, inputs.side, 2),
          inputs.floats(9, 1, 7, 2),
          options,
        ),
      };
    },
  },
  {
    kernel: "quantizeLevels",
    make: (inputs) => {
      const sums = inputs.backend.zeros([2 * 3 * (5 + 4)], "float32");
      const codebooks = inputs.floats(10, 2 * 3 * (5 + 4));
      const options = { groups: 2, pullWeights: [1, 0.5], sumWeights: [2, 3], sums };
      return { sums, ...inputs.backend.quantizeLevels(inputs.x(), codebooks, [5, 4], options) };
    },
  },
];

const CODE_CASES: readonly PartsCase[] = [
  {
    kernel: "scalarEncode",
    make: (inputs) => ({
      codes: inputs.backend.scalarEncode(inputs.x(), inputs.row(), inputs.row(), { bits: 4 }),
    }),
  },
  {
    kernel: "scalarDecode",
    make: (inputs) => ({
      values: inputs.backend.scalarDecode(
        inputs.bytes(11, inputs.rows, 3),
        inputs.row(),
        inputs.row(),
        {
          bits: 4,
        },
      ),
    }),
  },
  {
    kernel: "thresholdEncode",
    make: (inputs) => ({
      codes: inputs.backend.thresholdEncode(inputs.x(), inputs.floats(12, 1, COLUMNS)),
    }),
  },
  {
    kernel: "packSigns",
    make: (inputs) => ({ codes: inputs.backend.packSigns(inputs.x(), inputs.row()) }),
  },
];

const DENSE_CASES: readonly PartsCase[] = [
  {
    kernel: "combine",
    make: (inputs) => ({ out: inputs.backend.combine(inputs.x(), inputs.x(13), 0.5, 2) }),
  },
  {
    kernel: "matmul",
    make: (inputs) => {
      const { backend } = inputs;
      const x = inputs.x();
      const wide = inputs.floats(14, 5, inputs.rows);
      const wider = inputs.floats(15, inputs.rows, 5);
      return {
        "of many rows": backend.matmul(x, inputs.floats(16, COLUMNS, 5), {
          bias: inputs.floats(17, 5),
        }),
        "transposed, of many terms": backend.matmul(x, wider, {
          transposeA: true,
          bias: inputs.floats(17, 5),
        }),
        "transposed twice": backend.matmul(x, wide, { transposeA: true, transposeB: true }),
        "by a tall matrix": backend.matmul(wide, x),
        "by many transposed rows": backend.matmul(inputs.floats(18, 3, COLUMNS), x, {
          transposeB: true,
          bias: inputs.floats(19, inputs.rows),
        }),
        "to a large matrix": backend.matmul(inputs.floats(20, 2, 300), inputs.floats(21, 2, 9), {
          transposeA: true,
        }),
      };
    },
  },
  {
    kernel: "linear",
    make: (inputs) => ({
      ...inputs.backend.linear(inputs.x(), inputs.floats(22, 5, COLUMNS), {
        bias: inputs.floats(17, 5),
        activation: "gelu",
      }),
    }),
  },
  {
    kernel: "inputGradient",
    make: (inputs) => ({
      out: inputs.backend.inputGradient(
        inputs.floats(15, inputs.rows, 5),
        inputs.floats(22, 5, COLUMNS),
        {
          add: inputs.x(),
          activation: "silu",
          preActivation: inputs.x(23),
        },
      ),
    }),
  },
  {
    kernel: "parameterGradients",
    make: (inputs) => {
      const weight = inputs.floats(24, 5, COLUMNS);
      const bias = inputs.floats(25, 5);
      inputs.backend.parameterGradients(inputs.x(), inputs.floats(15, inputs.rows, 5), {
        weight,
        bias,
      });
      return { weight, bias };
    },
  },
];

const LAYER_CASES: readonly PartsCase[] = [
  {
    kernel: "layerNorm",
    make: (inputs) => ({
      ...inputs.backend.layerNorm(inputs.x(), norm(inputs), { epsilon: 1, activation: "gelu" }),
    }),
  },
  {
    kernel: "layerNormGradients",
    make: (inputs) => {
      const into = norm(inputs);
      const out = inputs.backend.layerNormGradients(
        inputs.x(),
        inputs.row(),
        inputs.x(26),
        into,
        1,
      );
      return { out, ...into };
    },
  },
  {
    kernel: "batchNorm",
    make: (inputs) => {
      const running = { mean: inputs.row(27), variance: inputs.row(28) };
      const options = { epsilon: 1, activation: "gelu" } as const;
      const by = inputs.backend.batchNorm(inputs.x(), norm(inputs), running, options);
      const moving = { ...options, momentum: 0.1 };
      const made = inputs.backend.batchNorm(inputs.x(), norm(inputs), running, moving);
      return { "by running averages": by.output, ...made, ...running };
    },
  },
  {
    kernel: "batchNormGradients",
    make: (inputs) => {
      const into = norm(inputs);
      const out = inputs.backend.batchNormGradients(
        inputs.x(),
        inputs.row(),
        inputs.x(26),
        into,
        1,
      );
      return { out, ...into };
    },
  },
  {
    kernel: "dropout",
    make: (inputs) => ({ out: inputs.backend.dropout(inputs.x(), 0.5, 3, 4) }),
  },
  {
    kernel: "boundGradient",
    make: (inputs) => ({
      out: inputs.backend.boundGradient(inputs.x(), inputs.x(26), {
        shift: inputs.row(),
        slope: inputs.row(29),
      }),
    }),
  },
  {
    kernel: "rotateGradient",
    make: (inputs) => ({
      out: inputs.backend.rotateGradient(inputs.x(), inputs.x(33), inputs.x(26)),
    }),
  },
];

const LOSS_CASES: readonly PartsCase[] = [
  {
    kernel: "reconstructionLoss",
    make: (inputs) => ({
      ...inputs.backend.reconstructionLoss(inputs.x(), inputs.x(33), {
        kind: "cosine",
        weight: 0.1,
      }),
    }),
  },
  {
    kernel: "softmax",
    make: (inputs) => ({
      out: inputs.backend.softmax(inputs.x(), { noise: { scale: 0.5, seed: 8, call: 9 } }),
    }),
  },
  {
    kernel: "softmaxGradient",
    make: (inputs) => ({
      out: inputs.backend.softmaxGradient(inputs.x(), inputs.x(26), { shared: inputs.row() }),
    }),
  },
  {
    kernel: "entropy",
    make: (inputs) => ({
      ...inputs.backend.entropy(inputs.positive(34, inputs.rows, COLUMNS), 0.5),
    }),
  },
  {
    kernel: "contrastiveLoss",
    most: MOST_OF_SQUARE,
    make: (inputs) => ({
      ...inputs.backend.contrastiveLoss(inputs.floats(35, inputs.side, inputs.side), {
        scale: 2,
        weight: 0.1,
      }),
    }),
  },
  {
    kernel: "sumOfSquares",
    most: MOST_OF_SPANS,
    make: (inputs) => ({ out: inputs.backend.sumOfSquares(inputs.floats(36, 10_000)) }),
  },
];

const STEP_CASES: readonly PartsCase[] = [
  stepCase(
    {
      rule: "adamw",
      learningRate: 0.1,
      weightDecay: 0.1,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-3,
      step: 2,
    },
    2,
  ),
  stepCase({ rule: "adagrad", learningRate: 0.1, epsilon: 1e-3 }, 1),
  stepCase({ rule: "sgd", learningRate: 0.1, momentum: 0.9 }, 1),
  {
    kernel: "emaStep",
    make: (inputs) => {
      const [codebooks, usage] = [inputs.x(), inputs.positive(37, inputs.rows)];
      inputs.backend.emaStep(codebooks, inputs.x(26), inputs.positive(38, inputs.rows), usage, 0.9);
      return { codebooks, usage };
    },
  },
  {
    kernel: "write",
    make: (inputs) => {
      const { backend } = inputs;
      const [values, bytes] = [inputs.x(), inputs.bytes(39, 20_003)];
      backend.write(values, inputs.x(26));
      backend.write(backend.slice(bytes, 3, 10_004), inputs.bytes(44, 10_001));
      // From a place in the same memory, neither of which is a whole word's.
      backend.write(backend.slice(bytes, 1, 9002), backend.slice(bytes, 10_002, 19_003));
      return { values, bytes };
    },
  },
];

export const PARTS_CASES: readonly PartsCase[] = [
  ...CODEBOOK_CASES,
  ...CODE_CASES,
  ...DENSE_CASES,
  ...LAYER_CASES,
  ...LOSS_CASES,
  ...STEP_CASES,
  ...scanCases(),
];
