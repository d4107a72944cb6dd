import type {
  ActivatedLayer,
  Activation,
  BatchStatistics,
  LayerNormParameters,
  Tensor,
  TrainingBackend,
} from "@tessera/core";
import { optionKernel } from "./option-kernel.js";
import type { Placed } from "./layout.js";
import type { NetworkSettings } from "./settings.js";

/** PyTorch's default. */
export const NORM_EPSILON = 1e-5;
/** PyTorch's default for running averages. */
const NORM_MOMENTUM = 0.1;

type Floats = Tensor<"float32">;

/** Of rows, or where there are running averages, of columns. */
export interface LayerNormalization extends LayerNormParameters {
  readonly running: BatchStatistics | undefined;
}

/** A fully connected layer: a product, perhaps a normalization, and an activation. */
export interface Layer {
  readonly weight: Floats;
  /** None where a batch's mean would take it away again. */
  readonly bias?: Floats;
  readonly norm: LayerNormalization | undefined;
  readonly activation: Activation;
}

/** What a hidden layer has beside its weight. Running averages are no parameters, but are kept as such: their gradient is 0. */
const VECTORS = {
  none: ["bias"],
  layer: ["bias", "norm.scale", "norm.shift"],
  batch: ["bias", "norm.scale", "norm.shift", "norm.mean", "norm.variance"],
} as const satisfies Readonly<Record<NetworkSettings["norm"], readonly string[]>>;

/** A network of layers, one after another. */
export type Network = readonly Layer[];

/** Names and shapes of a network's parameters. `widths` are those of its input and of each layer's output. */
export function networkParameters(
  name: string,
  widths: readonly number[],
  { norm }: Pick<NetworkSettings, "norm">,
): Placed[] {
  return widths.slice(1).flatMap((outputs, i) => {
    const hidden = i + 2 < widths.length;
    const vectors = VECTORS[hidden ? norm : "none"];
    const weight = { name: `${name}.${i}.weight`, shape: [outputs, widths[i]!], decay: true };
    const others = vectors.map((each) => `${name}.${i}.${each}`);
    return [weight].concat(
      others.map((other) => ({ name: other, shape: [outputs], decay: false })),
    );
  });
}

/** A network over views of its parameters, or of their gradients. */
export function networkOf(
  name: string,
  layers: number,
  views: ReadonlyMap<string, Floats>,
  { activation, norm }: Pick<NetworkSettings, "activation" | "norm">,
): Network {
  const view = (each: string): Floats => {
    const found = views.get(`${name}.${each}`);
    if (!found) throw new RangeError(`no parameter is called ${name}.${each}`);
    return found;
  };
  return Array.from({ length: layers }, (_, i) => {
    const hidden = i + 1 < layers;
    const batch = hidden && norm === "batch";
    return {
      weight: view(`${i}.weight`),
      ...(!batch && { bias: view(`${i}.bias`) }),
      norm:
        hidden && norm !== "none"
          ? {
              scale: view(`${i}.norm.scale`),
              shift: view(`${i}.norm.shift`),
              running: batch
                ? { mean: view(`${i}.norm.mean`), variance: view(`${i}.norm.variance`) }
                : undefined,
            }
          : undefined,
      activation: hidden ? activation : "none",
    };
  });
}

/** Dropout of one pass: a mask of its own for every layer. */
export interface Dropout {
  readonly rate: number;
  readonly seed: number;
  /** Tells the layers of this pass from all others: layer i takes `firstCall + i`. */
  readonly firstCall: number;
}

/** What a layer was given and made, for the way back. */
interface LayerTrace {
  readonly input: Floats;
  /** The product, where it is normalized after. */
  readonly product: Floats;
  readonly preActivation: Floats;
}

export interface Forward {
  readonly output: Floats;
  readonly traces: readonly LayerTrace[];
}

/**
 * Runs rows through a network.
 *
 * @param training whether batches are normalized by themselves, and move the running averages
 */
export function forward(
  backend: TrainingBackend,
  network: Network,
  x: Floats,
  training: boolean,
  dropout?: Dropout,
): Forward {
  const traces: LayerTrace[] = [];
  let output = x;
  network.forEach(({ weight, bias, norm, activation }, i) => {
    const input = output;
    const made = backend.linear(input, weight, {
      ...(bias && { bias }),
      ...(norm ? {} : { activation }),
    });
    const product = made.output;
    const { preActivation, ...rest } = norm
      ? normalize(backend, product, norm, activation, training)
      : made;
    output = rest.output;
    if (dropout && i + 1 < network.length) {
      output = backend.dropout(output, dropout.rate, dropout.seed, dropout.firstCall + i);
    }
    traces.push({ input, product, preActivation });
  });
  return { output, traces };
}

function normalize(
  backend: TrainingBackend,
  product: Floats,
  norm: LayerNormalization,
  activation: Activation,
  training: boolean,
): ActivatedLayer {
  const options = { epsilon: NORM_EPSILON, activation };
  if (!norm.running) return backend.layerNorm(product, norm, options);
  return optionKernel(backend, "batchNorm")(product, norm, norm.running, {
    ...options,
    momentum: training ? NORM_MOMENTUM : undefined,
  });
}

export interface Passing {
  /** `[n, in]`, added to the gradient with respect to the network's input. */
  readonly add?: Floats | undefined;
}

/**
 * The way back through a network: gradients of its parameters, written into `gradients`, and, where `passing` is asked
 * for, with respect to its input.
 *
 * @param gradient `[n, out]`, with respect to the output
 */
export function backward(
  backend: TrainingBackend,
  network: Network,
  gradients: Network,
  { traces }: Forward,
  gradient: Floats,
  passing: Passing | undefined,
  dropout?: Dropout,
): Floats | undefined {
  let g = gradient;
  for (let i = network.length - 1; i >= 0; i--) {
    const { weight, norm } = network[i]!;
    const { input, product } = traces[i]!;
    const into = gradients[i]!;
    if (norm && into.norm) {
      g = norm.running
        ? optionKernel(backend, "batchNormGradients")(
            product,
            norm.scale,
            g,
            into.norm,
            NORM_EPSILON,
          )
        : backend.layerNormGradients(product, norm.scale, g, into.norm, NORM_EPSILON);
    }
    if (i > 0) {
      const { activation } = network[i - 1]!;
      const { preActivation } = traces[i - 1]!;
      g = backend.linearGradients(input, weight, g, into, { activation, preActivation });
      // A mask and a derivative both multiply, so their order does not matter.
      if (dropout) {
        g = backend.dropout(g, dropout.rate, dropout.seed, dropout.firstCall + i - 1);
      }
    } else if (passing) {
      const { add } = passing;
      return backend.linearGradients(input, weight, g, into, add && { add });
    } else backend.parameterGradients(input, g, into);
  }
  return undefined;
}
