// Activations of networks and their derivatives, a vector at a time.
#pragma once

#include "kernels.h"

enum { NO_ACTIVATION, RELU, GELU, SILU };

// e^x within 2⁻²² of its size for x in −87..88, and the value at the nearer end beyond; NaN for NaN.
INLINE vec exponential(vec x) {
  x = select(x < splat(-87), splat(-87), x);
  x = select(x > splat(88), splat(88), x);
  // x = n·ln 2 + rest. Adding 1.5·2²³ leaves n, rounded, in the low bits; ln 2 is taken away in two parts.
  vec shifted = x * splat(0x1.715476p0f) + splat(0x1.8p23f);
  vec n = shifted - splat(0x1.8p23f);
  vec rest = x - n * splat(0x1.63p-1f) - n * splat(-0x1.bd0106p-13f);
  // The series of e^rest, |rest| ≤ ½ ln 2.
  vec sum = splat(1.0f / 720);
  sum = madd(sum, rest, splat(1.0f / 120));
  sum = madd(sum, rest, splat(1.0f / 24));
  sum = madd(sum, rest, splat(1.0f / 6));
  sum = madd(sum, rest, splat(0.5f));
  sum = madd(sum, rest, splat(1));
  sum = madd(sum, rest, splat(1));
  return sum * (vec)(((ivec)shifted << 23) + splati(0x3f800000));
}

// 1 / (1 + e⁻ᶻ)
INLINE vec sigmoid(vec z) { return splat(1) / (splat(1) + exponential(-z)); }

// Φ(z) within 10⁻⁶, and √(2π)·φ(z): Abramowitz & Stegun 7.1.26 of z / √2.
INLINE vec normal_distribution(vec z, vec *density) {
  vec distance = select(z < splat(0), -z, z);
  vec e = exponential(z * z * splat(-0.5f));
  vec t = splat(1) / madd(distance, splat(0.3275911f * 0.70710678f), splat(1));
  vec tail = splat(0.5f * 1.061405429f);
  tail = madd(tail, t, splat(0.5f * -1.453152027f));
  tail = madd(tail, t, splat(0.5f * 1.421413741f));
  tail = madd(tail, t, splat(0.5f * -0.284496736f));
  tail = madd(tail, t, splat(0.5f * 0.254829592f));
  tail = tail * t * e;
  *density = e;
  return select(z < splat(0), tail, splat(1) - tail);
}

OUTLINE vec activate(uint32_t kind, vec z) {
  vec density;
  switch (kind) {
    case RELU:
      // Not the other way round: NaN must stay NaN.
      return select(z < splat(0), splat(0), z);
    case GELU:
      return z * normal_distribution(z, &density);
    case SILU:
      return z * sigmoid(z);
    default:
      return z;
  }
}

// `gradient` times the derivative at z.
OUTLINE vec through_activation(uint32_t kind, vec gradient, vec z) {
  switch (kind) {
    case RELU:
      return select(z > splat(0), gradient, splat(0));
    case GELU: {
      vec density, below = normal_distribution(z, &density);
      return gradient * madd(z * density, splat(0.39894228f), below);
    }
    case SILU: {
      vec s = sigmoid(z);
      return gradient * s * madd(z, splat(1) - s, splat(1));
    }
    default:
      return gradient;
  }
}
