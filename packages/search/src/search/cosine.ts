import type { Chunk } from "../chunk.js";
import { inverseNorms } from "../metric.js";
import { decodeMain, type Plan } from "../plan.js";
import { blockRows } from "./task.js";

const cosineScales = new WeakMap<Chunk, Promise<Float32Array>>();

/** What makes products with rows cosines: the inverse of each row's length, times its stretch. Kept with the chunk. */
export function scalesForCosine(plan: Plan, chunk: Chunk): Promise<Float32Array> {
  let scales = cosineScales.get(chunk);
  if (!scales) {
    scales = computeScales(plan, chunk);
    cosineScales.set(chunk, scales);
  }
  return scales;
}

async function computeScales(plan: Plan, chunk: Chunk): Promise<Float32Array> {
  const { size, scales: stretches, offsets: squares, stored } = chunk;
  if (plan.estimator) {
    return Float32Array.from({ length: size }, (_, i) =>
      squares![i]! > 0 ? stretches![i]! / Math.sqrt(squares![i]!) : 0,
    );
  }
  const scales = new Float32Array(size);
  const step = blockRows(plan.space.leaf.dimension);
  for (let start = 0; start < size; start += step) {
    const codes = plan.layout.read(stored, start, Math.min(size, start + step));
    scales.set(inverseNorms(await decodeMain(plan, codes, undefined)), start);
  }
  return scales;
}
