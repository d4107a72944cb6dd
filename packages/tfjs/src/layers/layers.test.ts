import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { ArgumentError, type Matrix, ShapeError, SpecError } from "@tessera/core";
import { ResidualModel } from "@tessera/rq";
import { EmaCodebook, VqModel } from "@tessera/vq";
import { beforeAll, describe, expect, it } from "vitest";
import { expectClose, gradients, normal } from "../../test/differences.js";
import { engines, valuesOf } from "../../test/engines.js";
import { lookupFreeQuantize, residualQuantize, vectorQuantize } from "../index.js";
import {
  FiniteScalarQuantizer,
  LookupFreeQuantizer,
  type QuantizerLayer,
  registerLayers,
  ResidualQuantizer,
  VectorQuantizer,
} from "./index.js";

const backend = createReferenceBackend();
const training = { training: true };

beforeAll(async () => {
  await engines[0]!.use();
});

/** A layer with its weights. */
function built<T extends QuantizerLayer>(layer: T, d: number): T {
  layer.apply(tfl.input({ shape: [d] }));
  return layer;
}

function pass(layer: QuantizerLayer, z: tf.Tensor): tf.Tensor {
  return layer.apply(z, training) as tf.Tensor;
}

async function matrixOf(x: tf.Tensor): Promise<Matrix> {
  const [rows, cols] = x.shape as [number, number];
  return { data: Float32Array.from(await valuesOf(x)), rows, cols };
}

describe("a quantizer in a model", () => {
  it("adds its loss to that of the model, and trains its codebook", async () => {
    const start = { codebookSize: 4, start: "uniform", beta: 0.5, seed: 3 } as const;
    const layer = built(new VectorQuantizer(start), 3);
    const [before] = await layer.readCodebooks();
    const model = tfl.sequential({ layers: [tfl.layers.inputLayer({ inputShape: [3] }), layer] });
    const x = normal([12, 3], 1);
    model.compile({ optimizer: tf.train.sgd(0.1), loss: "meanSquaredError" });
    const total = await model.trainOnBatch(x, tf.zerosLike(x));
    const codebook = tf.tensor2d(before!.data, [4, 3]);
    const found = vectorQuantize(x, codebook, { beta: 0.5 });
    const own = tf.losses.meanSquaredError(tf.zerosLike(x), found.quantized);
    expectClose([[total as number]], [await valuesOf(tf.add(found.loss, own))], 1e-5);

    const slope = await gradients(
      (c) => vectorQuantize(x, c!).codebookLoss,
      [codebook],
      tf.scalar(1),
    );
    const [after] = await layer.readCodebooks();
    expectClose(
      [[...after!.data]],
      [[...before!.data].map((v, i) => v - 0.1 * slope[0]![i]!)],
      1e-5,
    );
  });

  it("gives its loss once for each pass of training, in a loop of one's own", async () => {
    const layer = built(new VectorQuantizer({ codebookSize: 4, start: "uniform" }), 2);
    const [x, y] = [normal([5, 2], 1), normal([6, 2], 2)];
    const losses = async (): Promise<number[]> => {
      return (await Promise.all(layer.calculateLosses().map(valuesOf))).flat();
    };
    layer.apply(x);
    expect(await losses()).toEqual([0]);
    const [codebook] = (await layer.readCodebooks()).map(({ data }) => tf.tensor2d(data, [4, 2]));
    const own = await Promise.all([x, y].map((z) => valuesOf(vectorQuantize(z, codebook!).loss)));
    pass(layer, x);
    expectClose([await losses()], [own[0]!], 1e-5);
    expect(await losses()).toEqual([0]);
    pass(layer, x);
    pass(layer, y);
    expectClose([await losses()], [[own[0]![0]! + own[1]![0]!]], 1e-5);
    // A loss that was disposed with its scope is forgotten.
    tf.tidy(() => void pass(layer, x));
    expect(await losses()).toEqual([0]);
  });

  it("is saved and loaded with its options and weights", async () => {
    registerLayers();
    const input = tfl.input({ shape: [4] });
    const layers = [
      new VectorQuantizer({ codebookSize: 5, update: "ema", decay: 0.8, beta: 0.1, seed: 7 }),
      new ResidualQuantizer({ codebookSizes: [4, 3], estimator: "rotation", start: "uniform" }),
      new FiniteScalarQuantizer({ levels: [3, 4, 5, 6] }),
      new LookupFreeQuantizer({ beta: 0.3, entropy: { temperature: 0.5, jointBits: 2 } }),
    ];
    const outputs = layers.map((layer) => layer.apply(input) as tfl.SymbolicTensor);
    const model = tfl.model({ inputs: input, outputs });
    pass(layers[0]!, normal([9, 4], 1));
    const kept: tf.io.ModelArtifacts[] = [];
    const save = async (artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> => {
      kept.push(artifacts);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    };
    await model.save({ save });
    const loaded = await tfl.loadLayersModel({ load: async () => kept[0]! });
    const x = normal([6, 4], 2);
    const expected = model.predict(x) as tf.Tensor[];
    const found = loaded.predict(x) as tf.Tensor[];
    for (const [i, tensor] of found.entries()) {
      expect(await valuesOf(tensor)).toEqual(await valuesOf(expected[i]!));
    }
    for (const [i, layer] of layers.entries()) {
      expect(loaded.getLayer(layer.name).getConfig()).toEqual(layers[i]!.getConfig());
    }
  });
});

describe("codebooks", () => {
  it("become models and come from them", async () => {
    const layer = built(new VectorQuantizer({ codebookSize: 6 }), 3);
    const x = normal([40, 3], 1);
    pass(layer, x);
    const [codebook] = await layer.readCodebooks();
    const model = new VqModel({ kind: "vq", codebookSize: 6 }, codebook!);
    const rows = await matrixOf(x);
    const codes = await model.encode(rows, { backend });
    expect(await valuesOf(layer.encode(x))).toEqual([...codes.data]);
    const decoded = [...(await model.decode(codes)).data];
    expect(await valuesOf(layer.decode(layer.encode(x)))).toEqual(decoded);

    const levels = await Promise.all(
      [8, 4].map(async (size, l) => {
        const values = await matrixOf(normal([size, 3], 5 + l, 1 / (l + 1)));
        return new VqModel({ kind: "vq", codebookSize: size }, values);
      }),
    );
    const residual = built(new ResidualQuantizer({ codebookSizes: [8, 4] }), 3);
    residual.writeCodebooks(levels.map((level) => level.codebook));
    const expected = await new ResidualModel(levels).encode(rows, { backend });
    expect(await valuesOf(residual.encode(x))).toEqual([...expected.data]);
    // Training goes on from them.
    pass(residual, x);
    expect(await residual.readCodebooks()).toEqual(levels.map((level) => level.codebook));
  });

  it("start as vectors of the first batch, all of them different", async () => {
    const layer = built(new ResidualQuantizer({ codebookSizes: [5, 4], seed: 2 }), 3);
    const x = normal([30, 3], 1);
    pass(layer, x);
    const [first, second] = await layer.readCodebooks();
    const rows = new Set(rowsIn(await matrixOf(x)));
    expect(new Set(rowsIn(first!)).size).toBe(5);
    for (const row of rowsIn(first!)) expect(rows.has(row)).toBe(true);
    // The second level's are residuals of the first.
    const codebook = tf.tensor2d(first!.data, [5, 3]);
    const left = tf.sub(x, vectorQuantize(x, codebook).quantized);
    const residuals = new Set(rowsIn(await matrixOf(left)));
    for (const row of rowsIn(second!)) expect(residuals.has(row)).toBe(true);
    pass(layer, normal([30, 3], 9));
    expect(await layer.readCodebooks()).toEqual([first, second]);
  });

  it("learn by moving averages as EmaCodebook does", async () => {
    const options = { decay: 0.9, epsilon: 1e-3, deadCodeThreshold: 0 };
    const layer = new VectorQuantizer({ codebookSize: 5, update: "ema", ...options });
    built(layer, 2);
    const start = await matrixOf(normal([5, 2], 1));
    layer.writeCodebooks([start]);
    let expected = EmaCodebook.start(start, options);
    for (let step = 0; step < 6; step++) {
      const batch = normal([20, 2], 10 + step);
      expected = (await expected.step(await matrixOf(batch), { backend })).next;
      pass(layer, batch);
      const [codebook] = await layer.readCodebooks();
      expectClose([[...codebook!.data]], [[...expected.codebook.data]], 1e-4);
    }
  });

  it("replace dead codewords by vectors of the batch", async () => {
    const options = { codebookSize: 3, update: "ema", deadCodeThreshold: 0.2, decay: 0.5 } as const;
    const layer = built(new VectorQuantizer(options), 2);
    const far = { data: Float32Array.of(0, 0, 1, 1, 90, 90), rows: 3, cols: 2 };
    layer.writeCodebooks([far]);
    const batch = normal([40, 2], 3);
    pass(layer, batch);
    const [codebook] = await layer.readCodebooks();
    const rows = new Set(rowsIn(await matrixOf(batch)));
    expect(rowsIn(codebook!).map((row) => rows.has(row))).toEqual([false, false, true]);
  });

  it("by moving averages have no gradient and no codebook loss", async () => {
    const layer = new ResidualQuantizer({ codebookSizes: [4, 4], update: "ema", beta: 0.5 });
    built(layer, 2);
    expect(layer.trainableWeights).toEqual([]);
    layer.writeCodebooks([await matrixOf(normal([4, 2], 1)), await matrixOf(normal([4, 2], 2))]);
    const books = (await layer.readCodebooks()).map(({ data }) => tf.tensor2d(data, [4, 2]));
    const x = normal([9, 2], 3);
    const { commitmentLoss } = residualQuantize(x, books);
    pass(layer, x);
    const [loss] = layer.calculateLosses();
    expectClose([await valuesOf(loss!)], [await valuesOf(tf.mul(commitmentLoss, 0.5))], 1e-5);
  });
});

describe("layers", () => {
  it("leave no tensors behind", () => {
    const layers = [
      built(new ResidualQuantizer({ codebookSizes: [4, 4], update: "ema" }), 3),
      built(new LookupFreeQuantizer(), 3),
      built(new FiniteScalarQuantizer({ levels: [3, 3, 3] }), 3),
    ];
    const x = normal([10, 3], 1);
    const before = tf.memory().numTensors;
    for (const layer of layers) {
      tf.dispose([pass(layer, x), ...layer.calculateLosses(), layer.apply(x) as tf.Tensor]);
      tf.dispose(layer.decode(tf.tidy(() => layer.encode(x))));
    }
    // Of each layer, what was encoded.
    expect(tf.memory().numTensors).toBe(before + layers.length);
  });

  it("of signs add their loss", async () => {
    const layer = built(new LookupFreeQuantizer({ entropy: { temperature: 1 } }), 3);
    const x = normal([10, 3], 1);
    const { quantized, loss } = lookupFreeQuantize(x, { entropy: { temperature: 1 } });
    expect(await valuesOf(pass(layer, x))).toEqual(await valuesOf(quantized));
    expect(await valuesOf(layer.calculateLosses()[0]!)).toEqual(await valuesOf(loss));
  });

  it("say what is wrong", async () => {
    expect(() => new VectorQuantizer({ codebookSize: 1 })).toThrow(/codebookSize is 1/);
    expect(() => new ResidualQuantizer({ codebookSizes: [] })).toThrow(ArgumentError);
    const update = "sgd" as "ema";
    expect(() => new VectorQuantizer({ codebookSize: 4, update })).toThrow(/update is "sgd"/);
    const start = "kmeans" as "batch";
    expect(() => new VectorQuantizer({ codebookSize: 4, start })).toThrow(/start is "kmeans"/);
    for (const [name, value] of Object.entries({
      beta: -1,
      seed: 0.5,
      decay: 1,
      epsilon: -1,
      deadCodeThreshold: 2,
    })) {
      const make = (): unknown => new VectorQuantizer({ codebookSize: 4, [name]: value });
      expect(make).toThrow(new RegExp(`${name} is ${value}`));
    }
    expect(() => new FiniteScalarQuantizer({ levels: [1] })).toThrow(SpecError);
    expect(() => built(new FiniteScalarQuantizer({ levels: [3, 3] }), 3)).toThrow(ShapeError);
    expect(() => new LookupFreeQuantizer({ beta: -1 })).toThrow(/beta/);
    const layer = new VectorQuantizer({ codebookSize: 4 });
    await expect(layer.readCodebooks()).rejects.toThrow(/no codebooks yet/);
    built(layer, 2);
    const book = { data: new Float32Array(6), rows: 3, cols: 2 };
    expect(() => layer.writeCodebooks([book])).toThrow(ShapeError);
    expect(() => layer.writeCodebooks([])).toThrow(/0 codebooks for 1/);
    expect(() => layer.call([], {})).toThrow(/one input/);
  });
});

function rowsIn({ data, rows, cols }: Matrix): string[] {
  return Array.from({ length: rows }, (_, i) => data.slice(i * cols, (i + 1) * cols).join());
}
