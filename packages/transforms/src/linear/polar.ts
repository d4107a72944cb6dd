import { BackendError, type CompleteBackend, ShapeError, type Tensor } from "@tessera/core";

/** Weight of the previous rotation, as a share of the Frobenius norm of the matrix. */
const PULL = 2 ** -12;
/** Once ‖XᵀX − I‖ is below this in every element, one more iteration reaches the accuracy of float32. */
const NEARLY_ORTHOGONAL = 2 ** -10;
const MOST_ITERATIONS = 100;

/**
 * Solves the orthogonal Procrustes problem (Schönemann 1966) on the device: the orthogonal R that maximises ⟨R, M⟩. With
 * M = YᵀX, the rotated rows X·Rᵀ come as close to Y as they can, in squared L2 distance.
 *
 * R is the orthogonal factor of M's polar decomposition, U·Vᵀ of its SVD. It is found by Newton and Schulz's iteration
 * X ← ½X(3I − XᵀX), scaled so that small singular values grow fast (Chen and Chow 2014, "A stable scaling of
 * Newton-Schulz"): matrix products alone.
 *
 * Directions in which M is nearly zero have no say in ⟨R, M⟩ and would take long, so the previous rotation pulls at them:
 * R is the orthogonal factor of M + 2⁻¹²·‖M‖·P. That is one step of the proximal point method; ⟨R, M⟩ ≥ ⟨P, M⟩ all the same, and
 * where alternation with such steps comes to rest, R solves the problem itself.
 *
 * @param m `[d, d]`
 * @param previous `[d, d]`, orthogonal; the identity if nothing better is known
 * @returns R `[d, d]`; RᵀR = I within 1e-5 in every element
 */
export async function procrustes(
  backend: CompleteBackend,
  m: Tensor<"float32">,
  previous: Tensor<"float32">,
): Promise<Tensor<"float32">> {
  const [d, cols] = m.shape;
  if (m.shape.length !== 2 || d !== cols || previous.shape.join() !== m.shape.join()) {
    throw new ShapeError(
      `the Procrustes problem needs two square matrices of one size, not [${m.shape.join(", ")}] and [${previous.shape.join(", ")}]`,
    );
  }
  // Brought to norm 1, so that products of three of it do not vanish: rows may be the last digits that a residual left over.
  const inverse = 1 / frobenius(await m.read());
  const vanishes = !Number.isFinite(Math.fround(inverse));
  const pull = vanishes ? 1 : PULL;
  let x = backend.combine(m, previous, vanishes ? 0 : inverse, pull);
  let gram = gramOf(backend, x);
  try {
    // No singular value is larger than this, and none is smaller than the pull unless it cancels part of M.
    const bound = Math.sqrt(frobenius(await gram.read()));
    let least = pull / bound;
    let factor = 1 / bound;
    for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
      // The first matrix has yet to be scaled by the bound.
      const mayEnd = iteration > 0 && least > 0.5;
      const isLast = mayEnd && deviation(await gram.read(), d!) < NEARLY_ORTHOGONAL;
      // All singular values are near 1 by then, also where the bound does not know it.
      const scale = isLast ? 1 : Math.sqrt(3 / (1 + least + least * least));
      const before = [x, gram];
      x = newtonSchulz(backend, x, gram, scale * factor);
      for (const tensor of before) tensor.dispose();
      if (isLast) return x;
      gram = gramOf(backend, x);
      least *= 0.5 * scale * (3 - (scale * least) ** 2);
      factor = 1;
    }
    throw new BackendError("the orthogonal factor of a matrix was not found", {
      hint: "check that the rows have no values near the limits of float32",
    });
  } catch (error) {
    x.dispose();
    throw error;
  } finally {
    gram.dispose();
  }
}

function gramOf(backend: CompleteBackend, x: Tensor<"float32">): Tensor<"float32"> {
  return backend.matmul(x, x, { transposeA: true });
}

/** ½sX(3I − s²XᵀX), one iteration from s·X. */
function newtonSchulz(
  backend: CompleteBackend,
  x: Tensor<"float32">,
  gram: Tensor<"float32">,
  s: number,
): Tensor<"float32"> {
  return backend.scope(() => backend.combine(x, backend.matmul(x, gram), 1.5 * s, -0.5 * s ** 3));
}

function frobenius(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** The largest element of |G − I|. */
function deviation(gram: Float32Array, d: number): number {
  let largest = 0;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      largest = Math.max(largest, Math.abs(gram[i * d + j]! - (i === j ? 1 : 0)));
    }
  }
  return largest;
}
