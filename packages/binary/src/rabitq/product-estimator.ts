import { checkCodes, type Matrix, type Model, type ProductEstimator } from "@tessera/core";
import { gridRows, readFactors } from "./factors.js";

/** RaBitQ's estimate as search wants it: the grid's levels as codewords, and what stretches their products. */
export function productEstimator(
  model: Pick<Model, "dimension" | "cardinalities" | "prefixes"> & { readonly bits: number },
): ProductEstimator {
  const { dimension, bits } = model;
  const levels = 2 ** bits;
  const codebook: Matrix = {
    data: Float32Array.from({ length: levels }, (_, code) => code - (levels - 1) / 2),
    rows: levels,
    cols: 1,
  };
  return {
    terms: Array.from({ length: dimension }, (_, j) => ({ column: j, offset: j, codebook })),
    factors(codes) {
      const { norms, cosines } = readFactors(checkCodes(model, codes));
      const { lengths } = gridRows(codes, 0, codes.rows, dimension, bits);
      const deviations = new Float32Array(codes.rows);
      for (let i = 0; i < codes.rows; i++) {
        const sine = Math.sqrt(1 - cosines[i]! ** 2);
        deviations[i] = (norms[i]! * sine) / (cosines[i]! * Math.sqrt(Math.max(1, dimension - 1)));
      }
      return {
        stretches: norms.map((norm, i) => norm / (cosines[i]! * lengths[i]!)),
        squares: norms.map((norm) => norm * norm),
        deviations,
      };
    },
  };
}
