import {
  checkReplayable,
  type FitContext,
  FormatError,
  MissingPartError,
  PART_PACKAGES,
  printTransform,
  type QuantizerPart,
  Random,
  type Rows,
  sampleRows,
  type TransformedSpec,
  type TransformSpec,
  withSampledRows,
} from "@tessera/core";
import { centerPart } from "./center.js";
import type { AnyTransformPart } from "./contract.js";
import { hadamardPart } from "./hadamard.js";
import { TransformedModel, transformRows } from "./model.js";
import { normalizePart } from "./normalize.js";
import { opqPart } from "./opq/part.js";
import { pcaPart } from "./pca.js";
import { rotationPart } from "./rotation.js";

/** The transforms of this package. */
export const transformParts: readonly AnyTransformPart[] = [
  centerPart,
  normalizePart,
  rotationPart,
  hadamardPart,
  pcaPart,
  opqPart,
];

/**
 * Fits and loads `t > q` for the transforms given; give it to `createQuantizers` with the parts of `q`. Another package's
 * transform joins those of this one: `createTransformedPart([...transformParts, itqPart])`.
 */
export function createTransformedPart(
  transforms: readonly AnyTransformPart[],
): QuantizerPart<"transformed"> {
  const byKind = new Map(transforms.map((part) => [part.kind, part]));
  const partFor = (transform: TransformSpec): AnyTransformPart => {
    const part = byKind.get(transform.kind);
    if (part) return part;
    throw new MissingPartError(`${printTransform(transform)}>…`, PART_PACKAGES[transform.kind]);
  };
  return {
    kind: "transformed",
    check: (spec) => partFor(spec.transform).check?.(spec as never),
    async fit(spec, rows, context) {
      const part = partFor(spec.transform);
      const { sample, signal } = context.options;
      if (sample === undefined) {
        checkReplayable(rows);
        return fitBoth(part, spec, rows, context);
      }
      // One sample for both; what the quantizer would draw from it is all of it.
      const random = new Random(context.seed).stream("sample");
      const drawn = await sampleRows(rows, sample, random, signal);
      return withSampledRows(drawn, () => fitBoth(part, spec, drawn.matrix, context));
    },
    restore(spec, state, context) {
      const part = partFor(spec.transform);
      const quantizer = context.restore(spec.quantizer, state.child("quantizer"));
      const { dimension } = quantizer;
      const transform = part.restore(spec.transform as never, state.child("transform"), dimension);
      if (transform.outputDimension !== dimension) {
        throw new FormatError(
          `the model's ${printTransform(spec.transform)} gives rows of ${transform.outputDimension} values, its quantizer takes ${dimension}`,
        );
      }
      return new TransformedModel(transform, quantizer);
    },
  };
}

/** Fits and loads `t > q` for the transforms of this package. */
export const transformedPart: QuantizerPart<"transformed"> =
  /* @__PURE__ */ createTransformedPart(transformParts);

async function fitBoth(
  part: AnyTransformPart,
  spec: TransformedSpec,
  rows: Rows,
  context: FitContext,
): Promise<TransformedModel> {
  const { options, seed } = context;
  const { backend, signal } = options;
  const fitQuantizer = (inner: Rows) => context.fit(spec.quantizer, inner, "quantizer");
  const fitted = await part.fit(spec.transform as never, rows, {
    options,
    seed: new Random(seed).stream("transform").uint32(),
    quantizer: spec.quantizer,
    fitQuantizer,
  });
  if ("quantizer" in fitted) return new TransformedModel(fitted.transform, fitted.quantizer);
  const transformed = await transformRows(fitted, rows, { backend, signal });
  return new TransformedModel(fitted, await fitQuantizer(transformed));
}
