// The natural logarithm, a vector at a time.
#pragma once

#include "kernels.h"

// ln x within 2⁻²² of its size for normal x, also where it is near 0; NaN for NaN.
OUTLINE vec logarithm(vec x) {
  // x = 2ⁿ·m with m in √½..√2.
  ivec n = ((ivec)x - splati(0x3f3504f3)) >> 23;
  vec m = (vec)((ivec)x - (n << 23));
  // ln m = 2·artanh(s), |s| < 0.172.
  vec s = (m - splat(1)) / (m + splat(1)), square = s * s;
  vec sum = splat(1.0f / 9);
  sum = madd(sum, square, splat(1.0f / 7));
  sum = madd(sum, square, splat(1.0f / 5));
  sum = madd(sum, square, splat(1.0f / 3));
  vec twice = s + s;
  vec rest = madd(twice * square, sum, twice);
  // ln 2 in two parts, of which the first times n is exact.
  vec whole = __builtin_convertvector(n, vec);
  rest = madd(whole, splat(-0x1.bd0106p-13f), rest);
  return madd(whole, splat(0x1.63p-1f), rest) + (x - x);
}
