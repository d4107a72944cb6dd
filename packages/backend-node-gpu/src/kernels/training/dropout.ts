import { philox, sizeOf } from "@tessera/core";
import { TYPE } from "../../addon.js";
import type { Engine, Node } from "../../engine.js";

/** Values kept with probability 1 − rate and divided by it; which ones, the host finds. */
export function dropout(engine: Engine, x: Node, rate: number, seed: number, call: number): Node {
  const size = sizeOf(x.shape);
  const kept = new Uint8Array(size);
  const block = new Uint32Array(4);
  const least = rate * 2 ** 32;
  for (let i = 0; i < size; i++) {
    if (i % 4 === 0) philox(block, i / 4, call, 0, 3, seed, 0);
    if (block[i % 4]! >= least) kept[i] = 1;
  }
  const scaled = engine.op("RealDiv", [x, engine.float(1 - rate)]);
  const mask = engine.upload(kept, TYPE.bool, x.shape);
  return engine.op("SelectV2", [mask, scaled, engine.float(0)]);
}
