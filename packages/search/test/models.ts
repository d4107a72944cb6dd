import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { pickBackend } from "@tessera/backend";
import { itqPart, keepNorms, signPart } from "@tessera/binary";
import {
  type Codes,
  type ComputeBackend,
  createQuantizers,
  type Matrix,
  type Model,
} from "@tessera/core";
import { splitPart } from "@tessera/pq";
import { residualPart } from "@tessera/rq";
import { scalarPart } from "@tessera/scalar";
import { createTransformedPart, transformParts } from "@tessera/transforms";
import { fsqPart, vqPart } from "@tessera/vq";

export const quantizers = createQuantizers([
  vqPart,
  fsqPart,
  scalarPart,
  signPart,
  residualPart,
  splitPart,
  keepNorms(createTransformedPart([...transformParts, itqPart])),
]);

export const reference = createReferenceBackend();

/** Each way to scan. The caller disposes the CPU backend. */
export async function scanningBackends(): Promise<Record<string, ComputeBackend>> {
  return {
    "by the reference": reference,
    "on the host": withoutScans(reference),
    "on the CPU": await pickBackend({ name: "cpu", threads: 2 }),
  };
}

/** The kernels of a backend without those that scan. */
function withoutScans(backend: ComputeBackend): ComputeBackend {
  return new Proxy(backend, {
    get(target, name) {
      if (name === "scanRows" || name === "scanTables" || name === "scanBits") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Rows around a few centres away from the origin, so that lists and means have something to hold. */
export function clusteredRows(rows: number, cols: number, seed = 1): Matrix {
  const noise = gaussianMatrix(rows, cols, { seed });
  const centres = gaussianMatrix(7, cols, { seed: seed + 1000 });
  return {
    ...noise,
    data: noise.data.map(
      (value, at) =>
        0.5 + 2 * centres.data[(Math.floor(at / cols) % 7) * cols + (at % cols)]! + value,
    ),
  };
}

export async function fitted(spec: string, rows: Matrix): Promise<{ model: Model; codes: Codes }> {
  const model = await quantizers.fit(spec, rows, { backend: reference, seed: 3, iterations: 4 });
  return { model, codes: await model.encode(rows, { backend: reference }) };
}
