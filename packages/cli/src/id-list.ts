import { FormatError } from "@tessera/core";

/** Ids of rows as a JSON list: numbers, or texts of digits where JavaScript's numbers are not exact. */
export function formatIdList(ids: BigInt64Array): string {
  const safe = (id: bigint): boolean => Number.isSafeInteger(Number(id));
  return `[${Array.from(ids, (id) => (safe(id) ? `${id}` : `"${id}"`)).join(",")}]\n`;
}

/**
 * Reads what {@link formatIdList} wrote.
 *
 * @throws {FormatError} if the text is not a list of 64-bit integers
 */
export function parseIdList(text: string): BigInt64Array {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (cause) {
    throw new FormatError("the ids are not JSON", { cause });
  }
  if (!Array.isArray(list)) throw new FormatError("the ids are not a JSON list");
  return BigInt64Array.from(list, (id: unknown, at) => {
    const isNumber = Number.isSafeInteger(id);
    if (isNumber || (typeof id === "string" && /^-?\d{1,19}$/.test(id))) {
      const value = BigInt(id as number | string);
      if (BigInt.asIntN(64, value) === value) return value;
    }
    throw new FormatError(`id ${at} is ${JSON.stringify(id)}, not a 64-bit integer`, {
      hint: "write numbers beyond 2^53 as texts of digits",
    });
  });
}
