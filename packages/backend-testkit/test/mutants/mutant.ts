import type { ComputeBackend, Tensor } from "@tessera/core";
import { referenceKernels, type ReferenceKernels } from "../../src/backend/kernels.js";
import { ReferenceBackend } from "../../src/backend/reference-backend.js";
import type { ReferenceAssignment } from "../../src/reference/assign.js";

/** A reference backend with a defect, and the beginning of the name of a case that must find it. */
export interface Mutant {
  readonly defect: string;
  readonly foundBy: string;
  readonly create: () => ComputeBackend;
}

type Assign = ReferenceKernels["assign"];
type AssignTopK = ReferenceKernels["assignTopK"];
/** The kernels without a defect. */
export const honest = referenceKernels;

export function kernels(
  defect: string,
  foundBy: string,
  changed: Partial<ReferenceKernels>,
): Mutant {
  return {
    defect,
    foundBy,
    create: () => new ReferenceBackend({ ...referenceKernels, ...changed }),
  };
}

/** Both kernels that assign, changed by a function of their result. */
export function assignments(
  defect: string,
  foundBy: string,
  change: (found: ReferenceAssignment, ...args: Parameters<AssignTopK>) => ReferenceAssignment,
): Mutant {
  const assignTopK: AssignTopK = (...args) => change(honest.assignTopK(...args), ...args);
  const assign: Assign = (x, books, shape, metric) => assignTopK(x, books, shape, 1, metric);
  return kernels(defect, foundBy, { assign, assignTopK });
}

/** Both kernels that assign, given other inputs than they were called with. */
export function inputs(
  defect: string,
  foundBy: string,
  change: (data: Float32Array, width: number) => Float32Array,
): Mutant {
  const assignTopK: AssignTopK = (x, books, shape, count, metric) =>
    honest.assignTopK(
      change(x, shape.groups * shape.dimension),
      change(books, shape.dimension),
      shape,
      count,
      metric,
    );
  const assign: Assign = (x, books, shape, metric) => assignTopK(x, books, shape, 1, metric);
  return kernels(defect, foundBy, { assign, assignTopK });
}

/** Methods of the backend changed, given the honest backend. */
export function methods(
  defect: string,
  foundBy: string,
  change: (backend: ReferenceBackend) => Partial<ComputeBackend>,
): Mutant {
  return {
    defect,
    foundBy,
    create() {
      const backend = new ReferenceBackend(referenceKernels);
      const changed = change(backend);
      return new Proxy(backend, {
        get(target, property) {
          const value: unknown =
            Reflect.get(changed, property) ?? Reflect.get(target, property, target);
          return typeof value === "function" && !Object.hasOwn(changed, property)
            ? (value.bind(target) as unknown)
            : value;
        },
      });
    },
  };
}

/** The tensor with another `read()`. */
export function reading<T extends Tensor>(tensor: T, read: T["read"]): T {
  return Object.defineProperty(tensor, "read", { value: read });
}

/** A float32 neighbour of the value, further from 0. */
export function nextFloat(value: number): number {
  return value + Math.abs(value) * 2 ** -23;
}
