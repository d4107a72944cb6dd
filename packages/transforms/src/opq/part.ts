import { printSpec, type Spec, SpecError, type SplitSpec } from "@tessera/core";
import type { TransformPart } from "../contract.js";
import { restoreRotation } from "../rotation.js";
import { fitOpqRotation } from "./fit.js";

/** The rotation of {@link fitOpqRotation}, for the product quantizer that follows. */
export const opqPart: TransformPart<"opq"> = {
  kind: "opq",
  check: ({ quantizer }) => void productIn(quantizer),
  fit(_, rows, { options, seed, quantizer }) {
    const { groups, each } = productIn(quantizer);
    const { backend, signal, onProgress, iterations, tolerance } = options;
    return fitOpqRotation(rows, {
      groups,
      codebookSize: codebookSizeIn(each),
      iterations,
      tolerance,
      seed,
      backend,
      signal,
      onProgress,
    });
  },
  restore: restoreRotation,
};

/** @throws {SpecError} if there is none */
function productIn(quantizer: Spec): SplitSpec {
  const found = findProduct(quantizer);
  if (found) return found;
  throw new SpecError(`opq stands before ${printSpec(quantizer)}, which has no groups to balance`, {
    hint: "put a product quantizer after it, as in opq>pq16x256",
  });
}

/** The product that rows reach turned by the rotation: transforms that commute with rotations may lie between. */
function findProduct(spec: Spec): SplitSpec | undefined {
  switch (spec.kind) {
    case "split":
      return spec;
    case "residual":
      return spec.levels.map(findProduct).find((found) => found !== undefined);
    case "transformed":
      return ["center", "normalize"].includes(spec.transform.kind)
        ? findProduct(spec.quantizer)
        : undefined;
    default:
      return undefined;
  }
}

/** Codewords of the first codebook in a spec; `undefined` if it has none. */
function codebookSizeIn(spec: Spec): number | undefined {
  switch (spec.kind) {
    case "vq":
      return spec.codebookSize;
    case "residual":
      return codebookSizeIn(spec.levels[0]!);
    case "split":
      return codebookSizeIn(spec.each);
    case "transformed":
      return codebookSizeIn(spec.quantizer);
    default:
      return undefined;
  }
}
