import {
  ArgumentError,
  DisposedError,
  ShapeError,
  disposeSymbol,
  type CompleteBackend,
  type DType,
  type Tensor,
  type TypedArrays,
} from "@tessera/core";
import {
  expectExact,
  expectRejects,
  expectSameBits,
  expectThat,
  expectThrows,
  readAs,
} from "./assertions.js";
import type { CaseDefinition } from "./case.js";
import { floats, integers } from "./problems.js";

const SAMPLES: TypedArrays = {
  float32: new Float32Array([0, -0, 1.5, -2.25, 3e38, 1e-40, NaN, Infinity, -Infinity, 7, 8, 9]),
  int32: new Int32Array([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 5, 6, 7, 8, 9, 10, 11]),
  uint32: new Uint32Array([0, 1, 2 ** 32 - 1, 2 ** 31, 4, 5, 6, 7, 8, 9, 10, 11]),
  uint8: new Uint8Array([0, 1, 255, 128, 4, 5, 6, 7, 8, 9, 10, 11]),
};
const DTYPES = Object.keys(SAMPLES) as DType[];

function expectMemory(
  backend: CompleteBackend,
  tensors: number,
  bytes: number,
  when: string,
): void {
  const found = backend.memory();
  expectThat(
    found.tensors === tensors && found.bytes === bytes,
    "memory",
    `${when}: expected ${tensors} tensors of ${bytes} bytes, got ${found.tensors} of ${found.bytes}`,
  );
}

export const tensorCases: readonly CaseDefinition[] = [
  {
    name: "tensor: values of every type come back bit for bit",
    async body(backend) {
      for (const dtype of DTYPES) {
        const data = SAMPLES[dtype];
        for (const shape of [undefined, [12], [3, 4], [2, 3, 2], [1, 12, 1, 1]]) {
          const tensor = backend.tensor(data, shape);
          expectSameBits(
            await readAs(tensor, dtype, shape ?? [12], `tensor of ${dtype}`),
            data,
            "read",
          );
        }
        // A view that does not begin where its buffer begins, with a length that is no multiple of 4 bytes.
        const view = data.subarray(1, 6) as TypedArrays[DType];
        expectSameBits(await backend.tensor(view).read(), view, `tensor of a ${dtype} view`);
        expectSameBits(
          await readAs(backend.zeros([5, 0], dtype), dtype, [5, 0], `zeros of ${dtype}`),
          data.slice(0, 0),
          "zeros",
        );
        expectExact(
          await readAs(backend.zeros([5, 3], dtype), dtype, [5, 3], `zeros of ${dtype}`),
          Array.from({ length: 15 }, () => 0),
          [5, 3],
          "zeros",
        );
      }
    },
  },
  {
    name: "tensor: later changes of the host array, or of what was read, change nothing",
    async body(backend) {
      const data = new Float32Array([1, 2, 3]);
      const tensor = backend.tensor(data);
      data.fill(9);
      const first = await tensor.read();
      expectExact(first, [1, 2, 3], [3], "tensor of an array that changed afterwards");
      first.fill(9);
      expectExact(await tensor.read(), [1, 2, 3], [3], "second read()");
    },
  },
  {
    name: "borrow: the values of the host array, for as long as it is needed",
    async body(backend) {
      for (const dtype of DTYPES) {
        const view = SAMPLES[dtype].subarray(1, 7) as TypedArrays[DType];
        const borrowed = backend.borrow(view, [3, 2]);
        const part = backend.slice(borrowed, 1, 3);
        expectMemory(backend, 2, view.byteLength, `a borrowed ${dtype} tensor and its slice`);
        borrowed.dispose();
        expectSameBits(await readAs(part, dtype, [2, 2], "borrow"), view.slice(2), "borrow");
        part.dispose();
        expectMemory(backend, 0, 0, "a borrowed tensor disposed");
        const empty = backend.borrow(view.slice(0, 0));
        expectSameBits(await empty.read(), view.slice(0, 0), "borrow");
        empty.dispose();
      }
      // Disposed at once: the kernel that is enqueued still needs the values.
      const pending = backend.scope(() => {
        const ones = backend.borrow(new Float32Array(50_000).fill(1));
        return { sum: backend.combine(ones, ones, 1, 2) };
      });
      expectExact(
        (await pending.sum.read()).filter((value) => value !== 3),
        [],
        [0],
        "combine of a borrowed tensor",
      );
      expectThrows(() => backend.borrow(new Float32Array(3), [2]), [ShapeError], "borrow");
    },
  },
  {
    name: "slice and reshape: the same values, which outlive the tensor they came from",
    async body(backend) {
      for (const dtype of DTYPES) {
        const data = SAMPLES[dtype];
        const whole = backend.tensor(data, [6, 2]);
        const middle = backend.slice(whole, 1, 5);
        const inner = backend.slice(middle, 1, 2);
        const bent = backend.reshape(middle, [2, 2, 2]);
        const none = backend.slice(whole, 6, 6);
        whole.dispose();
        middle.dispose();
        // New data would land in the storage if it had been freed.
        const other = backend.tensor(data.slice().reverse() as TypedArrays[DType], [6, 2]);
        const read = (tensor: Tensor, shape: number[]) => readAs(tensor, dtype, shape, "slice");
        expectSameBits(await read(inner, [1, 2]), data.slice(4, 6), "slice of a slice");
        expectSameBits(await read(bent, [2, 2, 2]), data.slice(2, 10), "reshape of a slice");
        expectSameBits(await read(none, [0, 2]), data.slice(0, 0), "empty slice");
        other.dispose();
      }
    },
  },
  {
    name: "slice: kernels see the slice alone",
    async body(backend) {
      const x = backend.slice(floats(backend, [9, 9, 0, 0, 4, 4, 9, 9], [4, 2]), 1, 3);
      const books = backend.slice(floats(backend, [9, 9, 0, 1, 4, 3, 0, 0], [2, 2, 2]), 0, 1);
      const codes = backend.slice(integers(backend, [1, 0, 1, 1], [4, 1]), 1, 3);
      expectExact(await backend.assign(x, books).codes.read(), [1, 1], [2, 1], "assign of slices");
      const { sums } = backend.clusterSums(x, codes, 2);
      expectExact(await sums.read(), [0, 0, 4, 4], [1, 2, 2], "clusterSums of slices");
      const left = await backend.residual(x, books, codes).read();
      expectExact(left, [-9, -9, 4, 3], [2, 2], "residual of slices");
      const product = await backend.matmul(x, x, { transposeB: true }).read();
      expectExact(product, [0, 0, 0, 32], [2, 2], "matmul of slices");
    },
  },
  {
    name: "memory: counts live tensors and their bytes",
    async body(backend) {
      expectMemory(backend, 0, 0, "a new backend");
      const a = backend.zeros([4, 16], "float32");
      const b = backend.zeros([64], "uint8");
      expectMemory(backend, 2, 320, "two tensors");
      const rows = backend.slice(a, 1, 2);
      const flat = backend.reshape(a, [64]);
      expectMemory(backend, 4, 320, "a slice and a reshape more, which share storage");
      for (const tensor of [rows, flat]) tensor.dispose();
      expectMemory(backend, 2, 320, "those disposed");
      const sum = backend.combine(a, a, 1, 1);
      expectMemory(backend, 3, 576, "the result of a kernel");
      sum.dispose();
      sum.dispose();
      a[disposeSymbol]();
      b.dispose();
      expectMemory(backend, 0, 0, "all disposed, one of them twice");
      expectThat(a.disposed && sum.disposed, "dispose", "a disposed tensor says it is not");
    },
  },
  {
    name: "memory: no kernel leaves tensors of its own behind",
    async body(backend) {
      const x = floats(backend, [1, 2, 3, 4, 5, 6], [3, 2]);
      const books = floats(backend, [1, 1, 5, 5], [1, 2, 2]);
      const codes = integers(backend, [0, 1, 1], [3, 1]);
      const indices = integers(backend, [2, 0, 0]);
      const weights = floats(backend, [1, 2, 3]);
      const pair = floats(backend, [1, 2]);
      const bytes = backend.tensor(new Uint8Array(6), [3, 2]);
      const before = backend.memory();
      const kernels: Record<string, () => Tensor[]> = {
        assign: () => Object.values(backend.assign(x, books) as object) as Tensor[],
        assignTopK: () => Object.values(backend.assignTopK(x, books, 2) as object) as Tensor[],
        gather: () => [backend.gather(books, codes)],
        residual: () => [backend.residual(x, books, codes)],
        "residual with parents": () => [backend.residual(x, books, codes, indices)],
        clusterSums: () =>
          Object.values(backend.clusterSums(x, codes, 2, weights) as object) as Tensor[],
        matmul: () => [backend.matmul(x, x, { transposeB: true, bias: weights })],
        combine: () => [backend.combine(x, x, 1, 1)],
        take: () => [backend.take(x, indices)],
        scalarEncode: () => [backend.scalarEncode(x, pair, pair)],
        scalarDecode: () => [backend.scalarDecode(bytes, pair, pair)],
        thresholdEncode: () => [backend.thresholdEncode(x, x)],
        packSigns: () => [backend.packSigns(x)],
        "packSigns with thresholds": () => [backend.packSigns(x, pair)],
      };
      for (const [name, kernel] of Object.entries(kernels)) {
        const results = kernel();
        await backend.sync();
        for (const result of results) result.dispose();
        await backend.sync();
        expectMemory(backend, before.tensors, before.bytes, `results of ${name} disposed`);
      }
    },
  },
  {
    name: "scope: frees what it does not return, nested or failing",
    async body(backend) {
      const outside = floats(backend, [1, 2]);
      const kept = backend.scope(() => {
        const inner = backend.scope(() => {
          floats(backend, [3, 4]);
          return { deep: [backend.combine(outside, outside, 1, 1)] };
        });
        expectMemory(backend, 2, 16, "after an inner scope");
        return [backend.combine(inner.deep[0]!, outside, 1, 1)];
      });
      expectMemory(backend, 2, 16, "after nested scopes");
      expectExact(await kept[0]!.read(), [3, 6], [2], "the result of a scope");
      const fail = (): never =>
        backend.scope(() => {
          backend.zeros([8], "int32");
          throw new RangeError("as asked");
        });
      expectThrows(fail, [RangeError], "scope of a function that throws");
      expectMemory(backend, 2, 16, "after a scope that threw");
      expectThrows(
        () => backend.scope(async () => backend.zeros([8], "int32")),
        [ArgumentError],
        "scope of an async function",
      );
      expectMemory(backend, 2, 16, "after an async scope");
      const value = backend.scope(() => 42);
      expectThat(value === 42, "scope", `a scope that returned 42 gave ${value}`);
    },
  },
  {
    name: "scope: frees temporaries that enqueued kernels still need",
    async body(backend) {
      const result = backend.scope(() => {
        const a = floats(backend, [1, 2, 3]);
        const b = backend.combine(a, a, 1, 1);
        return backend.combine(b, a, 10, 1);
      });
      // New data would overwrite storage that was freed too early.
      for (let i = 0; i < 20; i++) floats(backend, [9, 9, 9]).dispose();
      expectExact(await result.read(), [21, 42, 63], [3], "scope");
    },
  },
  {
    name: "dispose: a read() that was asked for before still answers",
    async body(backend) {
      const a = floats(backend, [1, 2, 3]);
      const b = backend.combine(a, a, 1, 1);
      const pending = b.read();
      a.dispose();
      b.dispose();
      floats(backend, [9, 9, 9]);
      expectExact(await pending, [2, 4, 6], [3], "read() before dispose()");
    },
  },
  {
    name: "dispose: what was disposed cannot be used",
    async body(backend) {
      const live = floats(backend, [1, 2], [1, 2]);
      const gone = floats(backend, [1, 2], [1, 2]);
      gone.dispose();
      await expectRejects(async () => gone.read(), DisposedError, "read() of a disposed tensor");
      for (const [name, call] of [
        ["slice", () => backend.slice(gone, 0, 1)],
        ["reshape", () => backend.reshape(gone, [2])],
        ["combine", () => backend.combine(live, gone, 1, 1)],
        ["matmul", () => backend.matmul(gone, live, { transposeB: true })],
        ["take", () => backend.take(gone, integers(backend, [0]))],
      ] as const) {
        expectThrows(call, [DisposedError], `${name} of a disposed tensor`);
      }
    },
  },
  {
    name: "dispose: a disposed backend rejects pending reads and refuses new work",
    async body(backend, { create }) {
      const a = floats(backend, [1, 2], [1, 2]);
      const pending = [a.read(), backend.combine(a, a, 1, 1).read()];
      // Handlers come first, so that no rejection is ever without one.
      const outcomes = Promise.allSettled(pending);
      backend.dispose();
      for (const outcome of await outcomes) {
        expectThat(
          outcome.status === "rejected" && outcome.reason instanceof DisposedError,
          "dispose",
          `a pending read() should reject with DisposedError; it was ${outcome.status}`,
        );
      }
      backend.dispose();
      expectThrows(() => backend.zeros([1], "int32"), [DisposedError], "zeros after dispose()");
      expectThrows(() => backend.combine(a, a, 1, 1), [DisposedError], "combine after dispose()");
      await expectRejects(async () => a.read(), DisposedError, "read() after dispose()");
      expectThat(a.disposed, "dispose", "a tensor outlived its backend");
      // Another backend of the kind is not affected.
      const next = await create();
      try {
        const values = await next.tensor(new Float32Array([1])).read();
        expectExact(values, [1], [1], "a backend made after another was disposed");
      } finally {
        next.dispose();
      }
    },
  },
];
