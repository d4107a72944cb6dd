import {
  abs,
  add,
  addN,
  concat,
  div,
  exp,
  log,
  maximum,
  mean,
  mul,
  neg,
  reshape,
  type Scalar,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor2d,
  type Tensor2D,
  transpose,
} from "@tensorflow/tfjs-core";
import { ArgumentError } from "@tessera/core";
import { differentiable } from "../tape.js";
import { product, rowsOf } from "../tensors.js";

/**
 * The entropy loss of look-up-free quantization (Yu et al. 2024, equation 5): mean over vectors of H(p(z)), less γ · H(mean
 * of p(z)). The first makes codes certain, the second has all be used. p is the softmax of −‖z − c‖²/T over the codewords
 * c ∈ {−1, 1}^d, under which bits are independent: p(bit_j = 1) = σ(4z_j/T). So the first term is a sum over bits, exactly.
 *
 * The second is counted over the 2^`jointBits` codes of so many bits together, group after group, and summed: an upper bound
 * of the entropy of all bits (as in Zhao et al. 2024, "Image and video tokenization with binary spherical quantization"),
 * exact if one group holds them all.
 */
export interface EntropyOptions {
  /** Weight of the entropy loss in `loss`, from 0. Default 0.1. */
  readonly weight?: number | undefined;
  /** γ, from 0. Default 1. */
  readonly diversity?: number | undefined;
  /** T, above 0. Default 0.01. */
  readonly temperature?: number | undefined;
  /** Bits whose codes are counted together, 1 to 16; memory is 2^`jointBits` values per vector. Default 8. */
  readonly jointBits?: number | undefined;
}

export type EntropySettings = Readonly<Record<keyof EntropyOptions, number>>;

/** Keeps the logarithm of a code that no vector has finite. */
const LEAST_PROBABILITY = 1e-30;

/** @throws {ArgumentError} naming the option and its value */
export function resolveEntropyOptions(options: EntropyOptions): EntropySettings {
  const { weight = 0.1, diversity = 1, temperature = 0.01, jointBits = 8 } = options;
  for (const [name, value] of Object.entries({ weight, diversity })) {
    if (!(value >= 0 && value < Infinity)) {
      throw new ArgumentError(`entropy.${name} is ${value}; it must be a number from 0`);
    }
  }
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new ArgumentError(`entropy.temperature is ${temperature}; it must be above 0`);
  }
  if (!(Number.isInteger(jointBits) && jointBits >= 1 && jointBits <= 16)) {
    throw new ArgumentError(`entropy.jointBits is ${jointBits}; it must be an integer, 1 to 16`);
  }
  return { weight, diversity, temperature, jointBits };
}

/** The loss, in nats. */
export function entropyLoss(z: Tensor, settings: EntropySettings): Scalar {
  const { diversity, temperature } = settings;
  const scale = 4 / temperature;
  return differentiable([z], () => {
    const logits = mul<Tensor2D>(rowsOf(z), scale);
    const certain = entropyOfEach(logits);
    const used = diversity > 0 ? entropyOfAll(logits, settings.jointBits) : undefined;
    return {
      value: used ? sub(certain.value, mul(used.value, diversity)) : certain.value,
      keep: [used ? sub(certain.gradient, mul(used.gradient, diversity)) : certain.gradient],
      gradient: (dy: Scalar, [kept]: Tensor[]) => [reshape(mul(kept!, mul(dy, scale)), z.shape)],
    };
  });
}

interface Entropy {
  readonly value: Scalar;
  /** With respect to the logits, `[n, d]`. */
  readonly gradient: Tensor2D;
}

/**
 * Mean over vectors of Σ_j H(σ(a_j)): H(σ(a)) = ln(1 + e^−|a|) + |a| · (1 − σ(|a|)), and its derivative is −a·σ(a)·(1 − σ(a)).
 */
function entropyOfEach(logits: Tensor2D): Entropy {
  const size = abs(logits);
  const less = exp(neg(size));
  const share = div(less, add(less, 1));
  return {
    value: div(sum<Scalar>(add(log(add(less, 1)), mul(size, share))), logits.shape[0]),
    gradient: mul(logits, mul(div(share, add(less, 1)), -1 / logits.shape[0])),
  };
}

/** Σ over groups of bits of H(mean over vectors of p), p being the softmax of Σ_j bit_j · a_j over the codes of a group. */
function entropyOfAll(logits: Tensor2D, jointBits: number): Entropy {
  const [n, d] = logits.shape;
  const values: Scalar[] = [];
  const gradients: Tensor2D[] = [];
  for (let start = 0; start < d; start += jointBits) {
    const count = Math.min(jointBits, d - start);
    const bits = bitsOfCodes(count);
    const group = slice(logits, [0, start], [n, count]);
    const each = softmax(product(group, transpose(bits)));
    const all = mean<Tensor1D>(each, 0);
    const logs = log(maximum(all, LEAST_PROBABILITY));
    values.push(neg(sum<Scalar>(mul(all, logs))));
    // ∂H/∂p_k = −(ln p_k + 1)/n for each vector, and back through its softmax.
    const outer = mul(each, logs);
    const inner = sub(outer, mul(each, sum<Tensor2D>(outer, 1, true)));
    gradients.push(product(mul(inner, -1 / n), bits));
  }
  return { value: addN(values), gradient: concat(gradients, 1) };
}

/** `[2^count, count]`: the bits of each code. */
function bitsOfCodes(count: number): Tensor2D {
  const codes = 2 ** count;
  const data = Float32Array.from({ length: codes * count }, (_, at) => {
    return (Math.floor(at / count) >> (at % count)) & 1;
  });
  return tensor2d(data, [codes, count]);
}
