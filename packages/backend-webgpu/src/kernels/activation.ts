// Activations of networks and their derivatives, told apart by number.

/** By the number that kernels know them by. */
export const ACTIVATIONS = ["none", "relu", "gelu", "silu"] as const;

/**
 * Φ is within 10⁻⁶: Abramowitz & Stegun 7.1.26 of z / √2. Comparisons are the way round that lets NaN stay NaN, and
 * exponents are kept where eˣ is finite, since WGSL promises nothing about infinities.
 */
export const ACTIVATION = `
fn sigmoid(z: f32) -> f32 {
  return 1.0 / (1.0 + exp(select(-z, 87.0, z < -87.0)));
}

// Φ(z), and √(2π)·φ(z).
fn normalDistribution(z: f32) -> vec2f {
  let density = exp(select(-0.5 * z * z, -87.0, abs(z) > 13.0));
  let t = 1.0 / fma(abs(z), ${0.3275911 * Math.SQRT1_2}, 1.0);
  var tail = ${0.5 * 1.061405429};
  tail = fma(tail, t, ${0.5 * -1.453152027});
  tail = fma(tail, t, ${0.5 * 1.421413741});
  tail = fma(tail, t, ${0.5 * -0.284496736});
  tail = fma(tail, t, ${0.5 * 0.254829592});
  tail = tail * t * density;
  return vec2f(select(1.0 - tail, tail, z < 0.0), density);
}

fn activate(kind: u32, z: f32) -> f32 {
  switch kind {
    case 1u: { return select(z, 0.0, z < 0.0); }
    case 2u: { return z * normalDistribution(z).x; }
    case 3u: { return z * sigmoid(z); }
    default: { return z; }
  }
}

// The gradient times the derivative at z.
fn throughActivation(kind: u32, gradient: f32, z: f32) -> f32 {
  switch kind {
    case 1u: { return select(0.0, gradient, z > 0.0); }
    case 2u: {
      let normal = normalDistribution(z);
      return gradient * fma(z * normal.y, ${1 / Math.sqrt(2 * Math.PI)}, normal.x);
    }
    case 3u: {
      let s = sigmoid(z);
      return gradient * s * fma(z, 1.0 - s, 1.0);
    }
    default: { return gradient; }
  }
}`.trim();
