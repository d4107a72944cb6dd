import type { Matrix, QuantizerPart, Spec } from "@tessera/core";
import { TransformedModel, type TransformModel, type TransformOf } from "@tessera/transforms";

/**
 * `normalize` before RaBitQ: the leaf scales each row to unit norm itself and keeps the norm with the codes, so here the
 * rows pass through, and decoding has their lengths.
 */
export class KeptNorms implements TransformModel<TransformOf<"normalize">> {
  readonly spec: TransformOf<"normalize"> = { kind: "normalize" };
  readonly isometric = true;
  readonly inputDimension: number;
  readonly outputDimension: number;

  constructor(dimension: number) {
    this.inputDimension = dimension;
    this.outputDimension = dimension;
  }

  async apply(rows: Matrix): Promise<Matrix> {
    return rows;
  }

  async invert(rows: Matrix): Promise<Matrix> {
    return rows;
  }

  tensors() {
    return {};
  }
}

/**
 * The part for `t > q` that lets RaBitQ have its norms: `normalize` with rotations and then `sign(estimator=rabitq)` behind
 * it keeps the lengths of rows, which `normalize` otherwise drops. All other specs are left to `part`.
 */
export function keepNorms(part: QuantizerPart<"transformed">): QuantizerPart<"transformed"> {
  return {
    ...part,
    async fit(spec, rows, context) {
      if (spec.transform.kind !== "normalize" || !keepsNorms(spec.quantizer)) {
        return part.fit(spec, rows, context);
      }
      const quantizer = await context.fit(spec.quantizer, rows, "quantizer");
      return new TransformedModel(new KeptNorms(quantizer.dimension), quantizer);
    },
    restore(spec, state, context) {
      if (spec.transform.kind !== "normalize" || !keepsNorms(spec.quantizer)) {
        return part.restore(spec, state, context);
      }
      const quantizer = context.restore(spec.quantizer, state.child("quantizer"));
      return new TransformedModel(new KeptNorms(quantizer.dimension), quantizer);
    },
  };
}

/** Whether norms reach a RaBitQ leaf as they are. */
function keepsNorms(spec: Spec): boolean {
  if (spec.kind === "sign") return spec.estimator === "rabitq";
  return (
    spec.kind === "transformed" &&
    ["rotation", "hadamard"].includes(spec.transform.kind) &&
    keepsNorms(spec.quantizer)
  );
}
