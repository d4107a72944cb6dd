import { DisposedError } from "@tessera/core";
import { methods, reading, type Mutant } from "./mutant.js";

/** Defects in how a backend holds tensors, keeps order and checks arguments. */
export const backendMutants: readonly Mutant[] = [
  methods("a kernel leaks a tensor", "memory: no kernel", (backend) => ({
    gather: (books, codes) => {
      backend.zeros([4], "float32");
      return backend.gather(books, codes);
    },
  })),
  methods("slices are counted as copies", "memory: counts", (backend) => ({
    slice: (tensor, start, end) => {
      backend.zeros([1], "uint8");
      return backend.slice(tensor, start, end);
    },
  })),
  methods("the host array is not copied", "tensor: later changes", (backend) => ({
    tensor: (data, shape) =>
      reading(backend.tensor(data, shape), async () => data.slice() as never),
  })),
  methods("a borrowed tensor is the whole buffer's", "borrow:", (backend) => ({
    borrow: (data, shape) => {
      const whole = new (data.constructor as Float32ArrayConstructor)(data.buffer as ArrayBuffer);
      return backend.tensor(whole.subarray(0, data.length) as never, shape);
    },
  })),
  methods("read() hands out its own storage", "tensor: later changes", (backend) => ({
    tensor: (data, shape) => {
      const copy = data.slice() as never;
      return reading(backend.tensor(data, shape), async () => copy);
    },
  })),
  methods("uint32 passes through float32", "tensor: values of every type", (backend) => ({
    tensor: (data, shape) =>
      backend.tensor(data.map((value) => Math.fround(value)) as typeof data, shape),
  })),
  methods("a slice dies with its parent", "slice and reshape", (backend) => ({
    slice: (tensor, start, end) => {
      const part = backend.slice(tensor, start, end);
      const dispose = tensor.dispose.bind(tensor);
      Object.defineProperty(tensor, "dispose", {
        configurable: true,
        value: () => {
          part.dispose();
          dispose();
        },
      });
      return part;
    },
  })),
  methods("kernels see the whole of a slice", "slice: kernels", (backend) => ({
    slice: (tensor, _start, end) => backend.slice(tensor, 0, end - _start),
  })),
  methods("scope() frees nothing", "scope: frees what", () => ({ scope: (body) => body() })),
  methods("scope() takes an async function", "scope: frees what", (backend) => ({
    scope: <T>(body: () => T): T => {
      let result: T | undefined;
      backend.scope(() => {
        result = body();
        return result instanceof Promise ? undefined : result;
      });
      return result as T;
    },
  })),
  methods("dispose() of a tensor cancels its reads", "dispose: a read()", (backend) => ({
    combine: (a, b, alpha, beta) => {
      const result = backend.combine(a, b, alpha, beta);
      const read = result.read.bind(result);
      return reading(result, async () => {
        const values = await read();
        if (result.disposed) throw new DisposedError("a tensor");
        return values;
      });
    },
  })),
  methods("disposed tensors are taken for empty", "dispose: what was", (backend) => ({
    matmul: (a, b, options) =>
      a.disposed ? backend.zeros([0, 0], "float32") : backend.matmul(a, b, options),
  })),
  methods("dispose() of the backend does nothing", "dispose: a disposed backend", () => ({
    dispose: () => undefined,
  })),
  late("order: uploads"),
  late("scope: frees temporaries"),
  methods("a chain loses its input", "order: a chain", (backend) => ({
    residual: (x, books, codes, parents) => {
      const result = backend.residual(x, books, codes, parents);
      return backend.combine(result, result, 0, 1e-3);
    },
  })),
  methods("many kernels overflow the queue", "order: hundreds", (backend) => {
    let calls = 0;
    return {
      combine: (a, b, alpha, beta) => backend.combine(a, b, alpha, ++calls > 256 ? 0 : beta),
    };
  }),
  methods("sync() computes again", "order: sync()", (backend) => ({
    take: (x, indices) => backend.combine(backend.take(x, indices), backend.take(x, indices), 1, 1),
  })),
  methods("errors do not reach what is computed from them", "faults: everything", (backend) => ({
    gather: (books, codes) =>
      reading(
        backend.gather(books, codes),
        async () => new Float32Array(codes.size * books.shape[2]!),
      ),
  })),
  methods("a fault stays in the backend", "faults: the backend works on", (backend) => {
    let rounds = 0;
    return {
      assign: (x, books, options) => {
        const found = backend.assign(x, books, options);
        return ++rounds === 1
          ? found
          : { ...found, codes: reading(found.codes, async () => new Int32Array(2)) };
      },
    };
  }),
  methods("wrong shapes are reported by read()", "arguments: kernels on codebooks", (backend) => ({
    gather: (books, codes) => {
      try {
        return backend.gather(books, codes);
      } catch {
        return backend.zeros([0, 0], "float32");
      }
    },
  })),
  methods("shapes of dense kernels are not checked", "arguments: dense", (backend) => ({
    combine: (a, b, alpha, beta) =>
      backend.combine(a, a.size > b.size ? a : b.size > a.size ? a : b, alpha, beta),
  })),
  methods("a refused call leaves a tensor behind", "arguments: tensor, zeros", (backend) => ({
    reshape: (tensor, shape) => {
      const spare = backend.zeros([1], "float32");
      const result = backend.reshape(tensor, shape);
      spare.dispose();
      return result;
    },
  })),
  methods(
    "types are not checked",
    "arguments: kernels refuse tensors of the wrong type",
    (backend) => ({
      combine: (a, b, alpha, beta) =>
        backend.combine(a, (b.dtype as string) === "float32" ? b : a, alpha, beta),
    }),
  ),
  methods(
    "tensors of another backend are taken",
    "arguments: kernels refuse tensors of another",
    (backend) => ({
      combine: (a, b, alpha, beta) => {
        try {
          return backend.combine(a, b, alpha, beta);
        } catch {
          return backend.combine(a, a, alpha, beta);
        }
      },
    }),
  ),
  methods("combine takes matrices alone", "combine: takes tensors of any rank", (backend) => ({
    combine: (a, b, alpha, beta) =>
      backend.reshape(backend.combine(a, b, alpha, beta), [
        a.shape[0] ?? 1,
        a.size / (a.shape[0] ?? 1),
      ]),
  })),
  methods("the middle goes to the higher index", "assign: a row between", (backend) => ({
    assign: (x, books, options) => {
      const found = backend.assign(x, books, options);
      const codes = backend.tensor(new Int32Array(x.shape[0]!).fill(1), found.codes.shape);
      return { ...found, codes };
    },
  })),
];

function late(foundBy: string): Mutant {
  return methods("kernels run late, on what has become of their inputs", foundBy, (backend) => ({
    combine: (a, b, alpha, beta) => {
      const result = backend.combine(a, b, alpha, beta);
      const read = result.read.bind(result);
      return reading(result, () => {
        const values = read();
        return a.disposed ? values.then((found) => found.fill(0)) : values;
      });
    },
  }));
}
