import { type Matrix, Random, ShapeError } from "@tessera/core";

const PROBES = 2;
const TOLERANCE = 1e-3;

/**
 * Checks that the rows of a matrix are orthonormal, without the cost of all their products: a random vector z in their
 * span must come back from M·(Mᵀ·z). A matrix that is off passes with no more than a vanishing probability, and files that
 * are made to deceive gain nothing: a wrong inverse, in bounded time.
 *
 * @throws {ShapeError} if it has more rows than columns, or they are not orthonormal
 */
export function checkOrthonormal({ data, rows, cols }: Matrix, what: string): void {
  if (rows > cols) {
    throw new ShapeError(`${what} has ${rows} rows of ${cols} values, which cannot be orthonormal`);
  }
  const random = new Random(0).stream("orthonormal");
  for (let probe = 0; probe < PROBES; probe++) {
    const z = Float64Array.from({ length: rows }, () => random.normal());
    const image = new Float64Array(cols);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) image[j]! += z[i]! * data[i * cols + j]!;
    }
    let error = 0;
    let squares = 0;
    for (let i = 0; i < rows; i++) {
      let back = 0;
      for (let j = 0; j < cols; j++) back += image[j]! * data[i * cols + j]!;
      error += (back - z[i]!) ** 2;
      squares += z[i]! ** 2;
    }
    if (!(error <= TOLERANCE ** 2 * squares)) {
      throw new ShapeError(`the rows of ${what} are not orthonormal`);
    }
  }
}
