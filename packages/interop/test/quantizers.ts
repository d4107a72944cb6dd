import { createQuantizers } from "@tessera/core";
import { splitPart } from "@tessera/pq";
import { residualPart } from "@tessera/rq";
import { scalarPart } from "@tessera/scalar";
import { transformedPart } from "@tessera/transforms";
import { vqPart } from "@tessera/vq";

/** Every quantizer that may be exported. */
export const quantizers = createQuantizers([
  vqPart,
  scalarPart,
  residualPart,
  splitPart,
  transformedPart,
]);
