import type { CompleteBackend, ComputeBackend } from "./backend.js";

const completed = new WeakMap<ComputeBackend, CompleteBackend>();

/** The backend with each optional kernel that it leaves out composed from its other kernels. */
export function completeBackend(backend: ComputeBackend): CompleteBackend {
  const known = completed.get(backend);
  if (known) return known;
  const full: CompleteBackend = Object.create(backend, {
    // A backend's methods may use private fields, so each must run on the backend itself, not on this wrapper.
    ...Object.fromEntries(
      methodNames(backend).map((name) => [
        name,
        { value: (backend[name] as (...args: unknown[]) => unknown).bind(backend) },
      ]),
    ),
    info: { get: () => backend.info },
  }) as CompleteBackend;
  const compose = <K extends keyof CompleteBackend>(name: K, kernel: CompleteBackend[K]): void => {
    if (typeof backend[name] !== "function") Object.defineProperty(full, name, { value: kernel });
  };

  compose("borrow", (data, shape) => backend.tensor(data, shape));
  compose("assign", (x, codebooks, options) =>
    backend.scope(() => {
      const { codes, distances } = backend.assignTopK(x, codebooks, 1, options);
      const shape = codes.shape.slice(0, 2);
      return { codes: backend.reshape(codes, shape), distances: backend.reshape(distances, shape) };
    }),
  );
  compose("residual", (x, codebooks, codes, parents) =>
    backend.scope(() =>
      backend.combine(
        parents ? backend.take(x, parents) : x,
        backend.gather(codebooks, codes),
        1,
        -1,
      ),
    ),
  );
  compose("packSigns", (x, thresholds) =>
    backend.scope(() => {
      const row = thresholds
        ? backend.reshape(thresholds, [1, ...thresholds.shape])
        : backend.zeros([1, x.shape[1] ?? 0], "float32");
      return backend.thresholdEncode(x, row, { bits: 1 });
    }),
  );

  completed.set(backend, full);
  completed.set(full, full);
  return full;
}

function methodNames(backend: ComputeBackend): (keyof ComputeBackend)[] {
  const names = new Set<string>();
  for (let level: object = backend; level !== Object.prototype;) {
    // Getters are left alone: one that reads a private field would fail on a wrapped backend.
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (name !== "constructor" && typeof value === "function") names.add(name);
    }
    level = Object.getPrototypeOf(level) as object;
  }
  // A wrapper may hide a method that it inherits.
  return ([...names] as (keyof ComputeBackend)[]).filter(
    (name) => typeof backend[name] === "function",
  );
}
