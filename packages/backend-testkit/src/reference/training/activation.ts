import type { Activation } from "@tessera/core";

/** An activation at a value, in float64. */
export function referenceActivation(kind: Activation, z: number): number {
  switch (kind) {
    case "none":
      return z;
    case "relu":
      // Not the other way round: NaN stays NaN.
      return z < 0 ? 0 : z;
    case "gelu":
      return z * normalDistribution(z);
    case "silu":
      return z * sigmoid(z);
  }
}

/** The derivative of an activation at a value, in float64; that of relu at 0 is 0. */
export function referenceActivationDerivative(kind: Activation, z: number): number {
  switch (kind) {
    case "none":
      return 1;
    case "relu":
      return z > 0 ? 1 : 0;
    case "gelu":
      return normalDistribution(z) + z * normalDensity(z);
    case "silu": {
      const s = sigmoid(z);
      return s * (1 + z * (1 - s));
    }
  }
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/** Φ(z) to about 1e-15: a series near 0, and a continued fraction for the tails. */
function normalDistribution(z: number): number {
  const distance = Math.abs(z);
  if (distance > 40) return z > 0 ? 1 : 0;
  if (distance < 3) {
    // Φ(z) = ½ + φ(z)·(z + z³/3 + z⁵/(3·5) + …), Abramowitz & Stegun 26.2.11
    let term = z;
    let sum = z;
    for (let odd = 3; Math.abs(term) > 1e-17 * Math.abs(sum); odd += 2) {
      term *= (z * z) / odd;
      sum += term;
    }
    return 0.5 + normalDensity(z) * sum;
  }
  // 1 − Φ(z) = φ(z) / (z + 1/(z + 2/(z + 3/(…)))), Abramowitz & Stegun 26.2.14
  let fraction = distance;
  for (let i = 120; i >= 1; i--) fraction = distance + i / fraction;
  const tail = normalDensity(distance) / fraction;
  return z > 0 ? 1 - tail : tail;
}
