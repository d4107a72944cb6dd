import { type HostDType, hostTensor, hostBytesPerElement, toFloat32 } from "@tessera/core";
import { Damage } from "./damage.js";
import type { Cell } from "./reader.js";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** @throws {Damage} if the bytes are not UTF-8 */
export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Damage("a text in it is not UTF-8");
  }
}

/** Numbers as cells; integers that a number cannot hold as texts. */
export function numberCells(bytes: Uint8Array, dtype: HostDType): Cell[] {
  const tensor = hostTensor(dtype, [bytes.length / hostBytesPerElement(dtype)], bytes);
  if (tensor.dtype === "F16") return Array.from(toFloat32(tensor));
  return Array.from(tensor.data as ArrayLike<number | bigint>, (value) => {
    if (typeof value === "number") return value;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  });
}
