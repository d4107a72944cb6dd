import {
  ArgumentError,
  type DistributionBackend,
  distributionBackend,
  type GumbelNoise,
  missingForDistributions,
  missingForTraining,
  ShapeError,
  softmaxTolerance,
  sumTolerance,
  trainingBackend,
} from "@tessera/core";
import {
  referenceContrastiveLoss,
  referenceEntropy,
  referenceGumbel,
  referenceScale,
  referenceSoftmax,
  referenceSoftmaxGradient,
} from "../../reference/training/distributions.js";
import { expectRefused } from "../arguments.js";
import { expectClose, readAs } from "../assertions.js";
import type { CaseDefinition, Settings } from "../case.js";
import { floats } from "../problems.js";
import { expectSums, normals } from "./problem.js";

/** A case for backends with the kernels for distributions; the others pass it. */
function distributionCase(
  name: string,
  body: (backend: DistributionBackend, settings: Settings) => Promise<void>,
): CaseDefinition {
  return {
    name,
    body: async (backend, settings) => {
      const missing = [...missingForTraining(backend), ...missingForDistributions(backend)];
      if (missing.length > 0) return;
      await body(distributionBackend(trainingBackend(backend), "this case"), settings);
    },
  };
}

/** Rows and columns. */
const SHAPES: readonly (readonly [number, number])[] = [
  [0, 3],
  [1, 1],
  [3, 2],
  [33, 31],
  [65, 128],
  [7, 517],
];

/** Logits some of whose rows are far from 0, or far apart. */
function makeLogits(rows: number, columns: number): Float32Array {
  return normals(rows * columns, 191).map((value, i) => {
    const row = Math.floor(i / columns) % 4;
    if (row === 1) return 200 + value;
    return row === 2 ? 60 * value : value;
  });
}

/** The largest value of each row. */
function largest(values: ArrayLike<number>, columns: number): Float64Array {
  const found = new Float64Array(values.length / columns);
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / columns);
    found[row] = Math.max(found[row]!, values[i]!);
  }
  return found;
}

/** Distributions, some of them with zeros. */
function makeProbabilities(rows: number, columns: number): Float32Array {
  const exact = referenceSoftmax(makeLogits(rows, columns), columns, 1, undefined);
  return Float32Array.from(exact, (value) => (value < 1e-9 ? 0 : value));
}

const NOISES: readonly (GumbelNoise | undefined)[] = [
  undefined,
  { scale: 1, seed: 3, call: 0 },
  { scale: 0.3, seed: 2 ** 32 - 1, call: 2 ** 32 - 1 },
];

export const distributionCases: readonly CaseDefinition[] = [
  distributionCase(
    "softmax: on every shape, with Gumbel noise and without",
    async (backend, settings) => {
      for (const [rows, columns] of SHAPES) {
        const shape = [rows, columns];
        const logits = makeLogits(rows, columns);
        for (const noise of NOISES) {
          const scale = 0.7;
          const found = backend.softmax(floats(backend, logits, shape), { scale, noise });
          const exact = referenceSoftmax(logits, columns, scale, noise);
          const gumbel = noise && referenceGumbel(logits.length, noise.seed, noise.call);
          const sizes = Float64Array.from(
            logits,
            (value, i) =>
              scale * Math.abs(value) + (noise?.scale ?? 0) * (1 + Math.abs(gumbel?.[i] ?? 0)),
          );
          const most = largest(sizes, columns);
          const bound = (i: number): number =>
            softmaxTolerance(exact[i]!, columns, most[Math.floor(i / columns)]!) +
            settings.smallest;
          const name = noise ? "softmax with noise" : "softmax";
          const values = await readAs(found, "float32", shape, name);
          expectClose(values, exact, bound, shape, name);
        }
      }
    },
  ),
  distributionCase(
    "softmaxGradient: with what rows share and without",
    async (backend, settings) => {
      for (const [rows, columns] of SHAPES) {
        const shape = [rows, columns];
        const p = makeProbabilities(rows, columns);
        const g = normals(rows * columns, 192);
        const all = normals(columns, 193);
        const added = floats(backend, all);
        for (const shared of [undefined, all]) {
          const found = backend.softmaxGradient(
            floats(backend, p, shape),
            floats(backend, g, shape),
            { scale: 1.7, shared: shared && added },
          );
          const exact = referenceSoftmaxGradient(p, g, columns, 1.7, shared);
          const sizes = g.map((value, i) => Math.abs(value) + Math.abs(shared?.[i % columns] ?? 0));
          const means = new Float64Array(rows);
          sizes.forEach((size, i) => (means[Math.floor(i / columns)]! += p[i]! * size));
          const magnitude = p.map(
            (value, i) => 4 * 1.7 * value * (sizes[i]! + means[Math.floor(i / columns)]!),
          );
          await expectSums(found, exact, columns, magnitude, shape, "softmaxGradient", settings);
        }
      }
    },
  ),
  distributionCase(
    "softmax and its gradient: logits in a unit that the device knows",
    async (backend, settings) => {
      const [rows, columns] = [9, 37];
      const shape = [rows, columns];
      const logits = normals(rows * columns, 194);
      const p = makeProbabilities(rows, columns);
      for (const value of [3.7, 0.06, 0]) {
        const unit = floats(backend, Float32Array.of(value));
        const scale = value === 0 ? 2 ** -60 : 0.9;
        const effective = referenceScale(scale, Float32Array.of(value));
        const name = `a unit of ${value}`;
        const found = backend.softmax(floats(backend, logits, shape), { scale, unit });
        const exact = referenceSoftmax(logits, columns, effective, undefined);
        const most = largest(
          logits.map((logit) => Math.abs(effective * logit)),
          columns,
        );
        const bound = (i: number): number =>
          softmaxTolerance(exact[i]!, columns, most[Math.floor(i / columns)]!) + settings.smallest;
        const values = await readAs(found, "float32", shape, "softmax");
        expectClose(values, exact, bound, shape, `softmax, ${name}`);
        const gradient = backend.softmaxGradient(
          floats(backend, p, shape),
          floats(backend, logits, shape),
          { scale, unit },
        );
        const wanted = referenceSoftmaxGradient(p, logits, columns, effective, undefined);
        const magnitude = p.map((each) => 32 * effective * each);
        const of = `softmaxGradient, ${name}`;
        await expectSums(gradient, wanted, columns, magnitude, shape, of, settings);
      }
    },
  ),
  distributionCase("entropy: of each row, with its gradient", async (backend) => {
    for (const [rows, columns] of SHAPES) {
      const shape = [rows, columns];
      const p = makeProbabilities(rows, columns);
      const weight = 0.37;
      const found = backend.entropy(floats(backend, p, shape), weight);
      const exact = referenceEntropy(p, columns, weight);
      const off = (row: number): number =>
        (sumTolerance(columns) + 2 ** -20) * (weight + Math.abs(exact.losses[row]!));
      const losses = await readAs(found.losses, "float32", [rows], "entropy");
      expectClose(losses, exact.losses, off, [rows], "entropy, losses");
      const bound = (i: number): number => 2 ** -20 * (weight + Math.abs(exact.gradient[i]!));
      const gradient = await readAs(found.gradient, "float32", shape, "entropy");
      expectClose(gradient, exact.gradient, bound, shape, "entropy, gradient");
    }
  }),
  distributionCase(
    "contrastiveLoss: of each row with its own candidate, with its gradient",
    async (backend, settings) => {
      for (const [rows, columns] of [
        [0, 3],
        [1, 1],
        [2, 3],
        [33, 33],
        [65, 128],
      ] as const) {
        const shape = [rows, columns];
        const similarities = makeLogits(rows, columns);
        const options = { scale: 1.3, weight: 0.37 };
        const found = backend.contrastiveLoss(floats(backend, similarities, shape), options);
        const exact = referenceContrastiveLoss(similarities, columns, options);
        const sizes = largest(
          similarities.map((value) => options.scale * Math.abs(value)),
          columns,
        );
        const off = (row: number): number =>
          options.weight * (2 ** -20 * (4 + 2 * sizes[row]!) + sumTolerance(columns));
        const losses = await readAs(found.losses, "float32", [rows], "contrastiveLoss");
        expectClose(losses, exact.losses, off, [rows], "contrastiveLoss, losses");
        const factor = options.scale * options.weight;
        const p = referenceSoftmax(similarities, columns, options.scale, undefined);
        const bound = (i: number): number => {
          const row = Math.floor(i / columns);
          const own = i % columns === row ? 2 ** -22 : 0;
          return factor * (softmaxTolerance(p[i]!, columns, sizes[row]!) + own) + settings.smallest;
        };
        const gradient = await readAs(found.gradient, "float32", shape, "contrastiveLoss");
        expectClose(gradient, exact.gradient, bound, shape, "contrastiveLoss, gradient");
      }
    },
  ),
  distributionCase("arguments: distributions refuse what does not fit", async (b) => {
    const x = floats(b, new Float32Array(6), [2, 3]);
    const tall = floats(b, new Float32Array(6), [3, 2]);
    const two = b.zeros([2], "float32");
    const none = b.zeros([2, 0], "float32");
    const noise = { scale: 1, seed: -1, call: 0 };
    const options = { scale: 1, weight: 1 };
    expectRefused(b, [
      ["softmax of a vector", () => b.softmax(two), [ShapeError]],
      ["softmax of no columns", () => b.softmax(none), [ShapeError]],
      ["softmax, a unit of 2", () => b.softmax(x, { unit: two }), [ShapeError]],
      ["softmaxGradient, a unit of 2", () => b.softmaxGradient(x, x, { unit: two }), [ShapeError]],
      ["softmax, seed −1", () => b.softmax(x, { noise }), [ArgumentError]],
      ["softmaxGradient of 3 for 2", () => b.softmaxGradient(x, tall), [ShapeError]],
      [
        "softmaxGradient, 2 shared of 3",
        () => b.softmaxGradient(x, x, { shared: two }),
        [ShapeError],
      ],
      ["entropy of a vector", () => b.entropy(two, 1), [ShapeError]],
      ["contrastiveLoss, 2 candidates of 3", () => b.contrastiveLoss(tall, options), [ShapeError]],
    ]);
  }),
];
