import { Codes, FormatError } from "@tessera/core";
import { decodeNpy, encodeNpy } from "./npy.js";

/** Codes as an `.npy` file: `[rows, columns]` of uint8, uint16 or uint32, whichever is the narrowest that fits. */
export function encodeCodes(codes: Codes): Uint8Array {
  return encodeNpy(codes.data, [codes.rows, codes.columns]);
}

/**
 * Reads codes from an `.npy` file of any integer type; one dimension is taken as one column.
 *
 * @param cardinalities of each column, as the model that made the codes gives them
 * @throws {FormatError} if the file does not hold integers in that many columns
 * @throws {CodeRangeError} naming the first code outside its column's cardinality
 */
export function decodeCodes(
  bytes: Uint8Array,
  cardinalities: readonly number[],
  name = "the codes file",
): Codes {
  const { data, dtype, shape } = decodeNpy(bytes, name);
  if (!/^[IU]/.test(dtype)) {
    throw new FormatError(`${name} holds ${dtype}, and codes are integers`, {
      hint: 'save it with numpy.save(path, codes.astype("uint16"))',
    });
  }
  const columns = shape.length === 1 ? 1 : shape[1];
  if (shape.length < 1 || shape.length > 2 || columns !== cardinalities.length) {
    throw new FormatError(
      `${name} has shape [${shape.join(", ")}]; this model's codes are [rows, ${cardinalities.length}]`,
      { hint: "check that these codes were made by this model" },
    );
  }
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  return new Codes(wide ? Float64Array.from(data, Number) : data, cardinalities);
}
