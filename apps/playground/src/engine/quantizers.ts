import { itqPart, keepNorms, signPart } from "@tessera/binary";
import { createQuantizers, type Quantizers } from "@tessera/core";
import { splitPart } from "@tessera/pq";
import { residualPart } from "@tessera/rq";
import { type AutoencoderOptions, createAutoencoderPart } from "@tessera/rqvae";
import { scalarPart } from "@tessera/scalar";
import { createTransformedPart, transformParts } from "@tessera/transforms";
import { fsqPart, vqPart } from "@tessera/vq";

/** Everything that the algebra has. */
export function allQuantizers(training: AutoencoderOptions): Quantizers {
  return createQuantizers([
    vqPart,
    fsqPart,
    scalarPart,
    signPart,
    residualPart,
    splitPart,
    keepNorms(createTransformedPart([...transformParts, itqPart, createAutoencoderPart(training)])),
  ]);
}
