import { sizeOf, TesseraError, type DType, type Tensor, type TypedArrays } from "@tessera/core";

/** A backend broke a promise of the contract. */
export class ConformanceError extends TesseraError {
  constructor(kernel: string, message: string, cause?: unknown) {
    super("conformance", `${kernel}: ${message}`, {
      hint: "the promise is in the documentation of ComputeBackend in @tessera/core",
      cause,
    });
  }
}

/** Any error class; its constructor's arguments do not matter here. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** @param message or what makes it, where something holds so often that a text for each time would cost more than all else */
export function expectThat(
  holds: boolean,
  kernel: string,
  message: string | (() => string),
): asserts holds {
  if (holds) return;
  throw new ConformanceError(kernel, typeof message === "string" ? message : message());
}

/** Reads a tensor after checking its type and shape. */
export async function readAs<D extends DType>(
  tensor: Tensor<D>,
  dtype: D,
  shape: readonly number[],
  kernel: string,
): Promise<TypedArrays[D]> {
  expectThat(
    tensor.dtype === dtype,
    kernel,
    `expected a result of type ${dtype}, got ${tensor.dtype}`,
  );
  const same =
    tensor.shape.length === shape.length && shape.every((n, axis) => n === tensor.shape[axis]);
  expectThat(same, kernel, `expected shape ${showShape(shape)}, got ${showShape(tensor.shape)}`);
  expectThat(
    tensor.size === sizeOf(shape),
    kernel,
    `expected size ${sizeOf(shape)}, got ${tensor.size}`,
  );
  const values = await tensor.read();
  expectThat(
    values.length === tensor.size,
    kernel,
    `read ${values.length} values of a tensor of shape ${showShape(shape)}`,
  );
  return values;
}

/** Every value equal; 0 equals −0. */
export function expectExact(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  shape: readonly number[],
  kernel: string,
): void {
  expectClose(got, expected, () => 0, shape, kernel);
}

/** Every value within `bound(i)` of what is expected. */
export function expectClose(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: (index: number) => number,
  shape: readonly number[],
  kernel: string,
): void {
  expectThat(
    got.length === expected.length,
    kernel,
    `expected ${expected.length} values, got ${got.length}`,
  );
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!);
    // Written so that a NaN fails.
    if (got[i] === expected[i] || error <= bound(i)) continue;
    throw new ConformanceError(
      kernel,
      `shape ${showShape(shape)} at ${showIndex(i, shape)}: expected ${expected[i]}, got ${got[i]}, ` +
        `off by ${error} where ${bound(i)} is allowed`,
    );
  }
}

/** Every bit equal, so that −0 differs from 0. */
export function expectSameBits(
  got: TypedArrays[DType],
  expected: TypedArrays[DType],
  kernel: string,
): void {
  const a = bytesOf(got);
  const b = bytesOf(expected);
  expectThat(a.length === b.length, kernel, `${got.length} values against ${expected.length}`);
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i]) continue;
    const element = Math.floor(i / got.BYTES_PER_ELEMENT);
    throw new ConformanceError(
      kernel,
      `bits differ at element ${element} of ${got.length}: ${got[element]} against ${expected[element]}`,
    );
  }
}

/** The call throws, at once, an error of one of these classes. */
export function expectThrows(
  call: () => unknown,
  classes: readonly ErrorClass[],
  kernel: string,
): void {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    expectError(error, classes, kernel);
    return;
  }
  // An async function that throws too late must not leave a rejection behind that nobody handles.
  if (result instanceof Promise) result.catch(() => undefined);
  throw new ConformanceError(kernel, `expected ${names(classes)} at the call; nothing was thrown`);
}

/** The promise (or the call that makes it) rejects with an error of one of these classes, which is returned. */
export async function expectRejects<E extends Error>(
  call: () => Promise<unknown>,
  errorClass: abstract new (...args: never[]) => E,
  kernel: string,
): Promise<E> {
  try {
    await call();
  } catch (error) {
    expectError(error, [errorClass], kernel);
    return error as E;
  }
  throw new ConformanceError(kernel, `expected ${errorClass.name}; it resolved`);
}

function expectError(error: unknown, classes: readonly ErrorClass[], kernel: string): void {
  if (classes.some((errorClass) => error instanceof errorClass)) return;
  throw new ConformanceError(kernel, `expected ${names(classes)}, got ${showError(error)}`, error);
}

function names(classes: readonly ErrorClass[]): string {
  return classes.map((errorClass) => errorClass.name).join(" or ");
}

export function showError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

function showIndex(index: number, shape: readonly number[]): string {
  const place: number[] = [];
  for (const extent of [...shape].reverse()) {
    place.unshift(index % extent);
    index = Math.floor(index / extent);
  }
  return showShape(place);
}

function bytesOf(values: TypedArrays[DType]): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
