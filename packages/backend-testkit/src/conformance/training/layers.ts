import {
  activationTolerance,
  sumTolerance,
  type Activation,
  type LinearParameters,
  type Tensor,
  type TrainingBackend,
} from "@tessera/core";
import { referenceActivation } from "../../reference/training/activation.js";
import {
  referenceInputGradient,
  referenceLinear,
  referenceParameterGradients,
} from "../../reference/training/linear.js";
import { expectClose, readAs, showShape } from "../assertions.js";
import type { CaseDefinition, Settings } from "../case.js";
import { floats } from "../problems.js";
import { expectSums, magnitudes, normals, trainingCase, written } from "./problem.js";

const ACTIVATIONS: readonly Activation[] = ["none", "relu", "gelu", "silu"];

/** Rows, inputs, outputs. */
const SHAPES: readonly (readonly [number, number, number])[] = [
  [0, 3, 2],
  [3, 2, 0],
  [2, 0, 3],
  [1, 1, 1],
  [1, 33, 7],
  [7, 3, 1],
  [33, 31, 33],
  [129, 7, 65],
  [64, 64, 64],
  [257, 33, 31],
  [65, 300, 100],
];

interface Layer {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly x: Float32Array;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly gradient: Float32Array;
  readonly add: Float32Array;
  readonly before: Float32Array;
}

function makeLayer([rows, inputs, outputs]: readonly [number, number, number]): Layer {
  const before = normals(rows * inputs, 166).map((value) => 3 * value);
  // relu's derivative at 0 is 0.
  for (let i = 0; i < before.length; i += 5) before[i] = 0;
  return {
    rows,
    inputs,
    outputs,
    x: normals(rows * inputs, 161),
    weight: normals(inputs * outputs, 162).map((value) => 0.3 * value),
    bias: normals(outputs, 163),
    gradient: normals(rows * outputs, 164),
    add: normals(rows * inputs, 165),
    before,
  };
}

async function checkLinear(
  backend: TrainingBackend,
  layer: Layer,
  activation: Activation,
  bias: Float32Array | undefined,
  { smallest }: Settings,
): Promise<void> {
  const { rows, inputs, outputs, x, weight } = layer;
  const { output, preActivation } = backend.linear(
    floats(backend, x, [rows, inputs]),
    floats(backend, weight, [outputs, inputs]),
    { activation, ...(bias && { bias: floats(backend, bias) }) },
  );
  const absolute = bias && magnitudes(bias);
  const exact = referenceLinear(x, weight, layer, bias, "none").output;
  const size = referenceLinear(magnitudes(x), magnitudes(weight), layer, absolute, "none").output;
  const name = `linear, ${activation}, ${inputs} inputs${bias ? ", bias" : ""}`;
  const sum = (i: number): number => sumTolerance(inputs) * size[i]! + (inputs + 2) * smallest;
  const shape = [rows, outputs];
  const activated = exact.map((z) => referenceActivation(activation, z));
  // No activation here is steeper than 1.13.
  const off = (i: number): number =>
    activation === "gelu" || activation === "silu"
      ? 1.13 * sum(i) + activationTolerance(exact[i]!)
      : sum(i);
  const plain = activation === "relu" ? activated : exact;
  expectClose(await readAs(output, "float32", shape, name), activated, off, shape, name);
  const kept = await readAs(preActivation, "float32", shape, `${name}, preActivation`);
  expectClose(kept, plain, sum, shape, `${name}, preActivation`);
}

/** The gradient of the input from a backend's kernel, against the reference. */
async function checkInput(
  got: Tensor<"float32">,
  layer: Layer,
  activation: Activation,
  add: Float32Array | undefined,
  name: string,
  { smallest }: Settings,
): Promise<void> {
  const { rows, inputs, outputs, gradient, weight, before } = layer;
  const passing = { activation, preActivation: before };
  const exact = referenceInputGradient(gradient, weight, layer, { ...passing, add });
  const none = { activation: "none", add: add && magnitudes(add) } as const;
  const size = referenceInputGradient(magnitudes(gradient), magnitudes(weight), layer, none);
  const steep = activation === "gelu" || activation === "silu";
  const bound = (i: number): number =>
    size[i]! * (1.2 * sumTolerance(outputs) + (steep ? activationTolerance(before[i]!) : 0)) +
    (outputs + 2) * smallest;
  const shape = [rows, inputs];
  expectClose(await readAs(got, "float32", shape, name), exact, bound, shape, name);
}

async function checkParameters(
  into: LinearParameters,
  layer: Layer,
  name: string,
  settings: Settings,
): Promise<void> {
  const { rows, inputs, outputs, x, gradient } = layer;
  const exact = referenceParameterGradients(x, gradient, layer);
  const size = referenceParameterGradients(magnitudes(x), magnitudes(gradient), layer);
  const shape = [outputs, inputs];
  await expectSums(
    into.weight,
    exact.weight,
    rows,
    size.weight,
    shape,
    `${name}, weight`,
    settings,
  );
  if (!into.bias) return;
  await expectSums(into.bias, exact.bias, rows, size.bias, [outputs], `${name}, bias`, settings);
}

function uploadLayer(backend: TrainingBackend, layer: Layer) {
  const { rows, inputs, outputs } = layer;
  return {
    x: floats(backend, layer.x, [rows, inputs]),
    weight: floats(backend, layer.weight, [outputs, inputs]),
    gradient: floats(backend, layer.gradient, [rows, outputs]),
    add: floats(backend, layer.add, [rows, inputs]),
    preActivation: floats(backend, layer.before, [rows, inputs]),
  };
}

export const layerCases: readonly CaseDefinition[] = [
  trainingCase("linear: every activation, with and without bias, on every shape", async (b, s) => {
    for (const shape of SHAPES) {
      const layer = makeLayer(shape);
      for (const activation of ACTIVATIONS) {
        await checkLinear(b, layer, activation, layer.bias, s);
        await checkLinear(b, layer, activation, undefined, s);
      }
    }
  }),
  trainingCase("linear: activations from far below 0 to far above it", async (backend) => {
    const x = Float32Array.from({ length: 2001 }, (_, i) => (i - 1000) * 0.0937);
    const one = floats(backend, [1], [1, 1]);
    for (const activation of ACTIVATIONS) {
      const { output } = backend.linear(floats(backend, x, [2001, 1]), one, { activation });
      const exact = Float64Array.from(x, (z) => referenceActivation(activation, z));
      const values = await readAs(output, "float32", [2001, 1], activation);
      expectClose(values, exact, (i) => activationTolerance(x[i]!), [2001, 1], activation);
    }
  }),
  trainingCase("inputGradient: through every activation, with and without add", async (b, s) => {
    for (const shape of SHAPES) {
      const layer = makeLayer(shape);
      const { gradient, weight, add, preActivation } = uploadLayer(b, layer);
      for (const activation of ACTIVATIONS) {
        const name = `inputGradient, ${activation}, ${showShape(shape)}`;
        const through = { activation, preActivation };
        const plain = b.inputGradient(gradient, weight, through);
        await checkInput(plain, layer, activation, undefined, name, s);
        const added = b.inputGradient(gradient, weight, { ...through, add });
        await checkInput(added, layer, activation, layer.add, `${name} with add`, s);
      }
    }
  }),
  trainingCase(
    "parameterGradients: written in place, on every shape",
    async (backend, settings) => {
      for (const shape of SHAPES) {
        const layer = makeLayer(shape);
        const { x, gradient } = uploadLayer(backend, layer);
        const into = {
          weight: written(backend, [layer.outputs, layer.inputs]),
          bias: written(backend, [layer.outputs]),
        };
        backend.parameterGradients(x, gradient, into);
        await checkParameters(into, layer, "parameterGradients", settings);
        const weight = written(backend, [layer.outputs, layer.inputs]);
        backend.parameterGradients(x, gradient, { weight });
        await checkParameters({ weight }, layer, "parameterGradients without bias", settings);
      }
    },
  ),
  trainingCase("linearGradients: both gradients of one layer", async (backend, settings) => {
    for (const shape of SHAPES) {
      const layer = makeLayer(shape);
      const { x, weight, gradient, add, preActivation } = uploadLayer(backend, layer);
      for (const activation of ACTIVATIONS) {
        const into = {
          weight: written(backend, [layer.outputs, layer.inputs]),
          bias: written(backend, [layer.outputs]),
        };
        const through = { activation, preActivation, add };
        const found = backend.linearGradients(x, weight, gradient, into, through);
        const name = `linearGradients, ${activation}`;
        await checkInput(found, layer, activation, layer.add, name, settings);
        await checkParameters(into, layer, name, settings);
      }
    }
  }),
];
