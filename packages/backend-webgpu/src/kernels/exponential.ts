// eˣ and ln x where WGSL's own promise too little. Include FINITE with the logarithm.

/** eˣ for x up to 0. WGSL promises nothing about what is too small for float32. NaN stays NaN. */
export const EXPONENTIAL = `
fn exponential(x: f32) -> f32 {
  return select(exp(x), 0.0, x < -87.0);
}`.trim();

/**
 * ln x of a normal x above 0, within 2⁻²¹ of its size also near 1, where WGSL's may be off by all of its size. What is not
 * finite stays.
 */
export const LOGARITHM = `
fn logarithm(x: f32) -> f32 {
  if (!finite(x)) { return x; }
  // x = 2ⁿ·m with m in √½..√2.
  let bits = bitcast<i32>(x);
  let n = (bits - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(bits - (n << 23u));
  // ln m = 2·artanh(s), |s| < 0.172.
  let s = (m - 1.0) / (m + 1.0);
  let square = s * s;
  var sum = ${1 / 9};
  sum = fma(sum, square, ${1 / 7});
  sum = fma(sum, square, ${1 / 5});
  sum = fma(sum, square, ${1 / 3});
  let rest = fma(2.0 * s * square, sum, 2.0 * s);
  // ln 2 in two parts, of which the first times n is exact.
  return fma(f32(n), 0x1.63p-1f, fma(f32(n), -0x1.bd0106p-13f, rest));
}`.trim();
