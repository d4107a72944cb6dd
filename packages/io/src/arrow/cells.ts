import { type HostDType, hostBytesPerElement } from "@tessera/core";
import { numberCells, textOf } from "../columnar/cells.js";
import { Damage } from "../columnar/damage.js";
import type { Cell } from "../columnar/reader.js";
import { type BatchBuffer, type FieldPart, tooShort } from "./batch.js";

/** Most bytes of all texts that are read at once: views may name the same bytes again and again. */
const MOST_TEXT = 2 ** 28;

/**
 * Cells `first` to `first + count` of a field.
 *
 * @param dictionary of the values, where the field has places in one
 * @throws {Damage} if there are fewer, or a place is beyond the dictionary
 */
export async function readCells(
  part: FieldPart,
  first: number,
  count: number,
  dictionary: readonly Cell[] | undefined,
): Promise<Cell[]> {
  if (count === 0) return [];
  const missing = await readNulls(part, first, count);
  const values = await readValues(part, first, count, missing);
  return values.map((value, i) => {
    if (missing(i)) return null;
    if (part.field.dictionary === undefined) return value;
    const cell = dictionary?.[value as number];
    if (cell === undefined) {
      throw new Damage(`a row has value ${value} of a dictionary of ${dictionary?.length ?? 0}`);
    }
    return cell;
  });
}

async function readNulls(
  { validity }: FieldPart,
  first: number,
  count: number,
): Promise<(i: number) => boolean> {
  if (validity === undefined) return () => false;
  const start = Math.floor(first / 8);
  const bits = await validity.read(start, Math.ceil((first + count) / 8));
  return (i) => {
    const row = first + i;
    return !((bits[(row >> 3) - start]! >> (row & 7)) & 1);
  };
}

async function readValues(
  part: FieldPart,
  first: number,
  count: number,
  missing: (i: number) => boolean,
): Promise<Cell[]> {
  const { dictionary, layout } = part.field;
  const [values] = part.buffers;
  if (values === undefined) throw tooShort();
  const numbers = async (dtype: HostDType): Promise<Cell[]> => {
    const size = hostBytesPerElement(dtype);
    return numberCells(await values.read(first * size, (first + count) * size), dtype);
  };
  if (dictionary !== undefined) return numbers(dictionary.dtype);
  switch (layout.kind) {
    case "number":
      return numbers(layout.dtype);
    case "boolean": {
      const start = Math.floor(first / 8);
      const bits = await values.read(start, Math.ceil((first + count) / 8));
      return Array.from({ length: count }, (_, i) => {
        const row = first + i;
        return ((bits[(row >> 3) - start]! >> (row & 7)) & 1) === 1;
      });
    }
    case "text":
      return readTexts(part, layout.offsets, first, count);
    case "view":
      return readViews(values, part.buffers.slice(1), first, count, missing);
    default:
      throw tooShort();
  }
}

/** The bounds of values `first` to `first + count`: one more than there are values, and never less than the one before. */
export async function readOffsets(
  { buffers }: FieldPart,
  type: "I32" | "I64",
  first: number,
  count: number,
): Promise<number[]> {
  const [buffer] = buffers;
  if (buffer === undefined) throw tooShort();
  const size = hostBytesPerElement(type);
  const bytes = await buffer.read(first * size, (first + count + 1) * size);
  const offsets = numberCells(bytes, type) as number[];
  for (const [i, offset] of offsets.entries()) {
    if (typeof offset !== "number" || offset < (offsets[i - 1] ?? 0)) {
      throw new Damage("a column has lists or texts that end before they begin");
    }
  }
  return offsets;
}

async function readTexts(
  part: FieldPart,
  type: "I32" | "I64",
  first: number,
  count: number,
): Promise<Cell[]> {
  const data = part.buffers[1];
  if (data === undefined) throw tooShort();
  const offsets = await readOffsets(part, type, first, count);
  const [start] = offsets as [number];
  const bytes = await data.read(start, offsets[count]!);
  return Array.from({ length: count }, (_, i) =>
    textOf(bytes.subarray(offsets[i]! - start, offsets[i + 1]! - start)),
  );
}

/** Texts of up to 12 bytes are in their views; a view of a longer one says where it is. */
async function readViews(
  views: BatchBuffer,
  data: readonly BatchBuffer[],
  first: number,
  count: number,
  missing: (i: number) => boolean,
): Promise<Cell[]> {
  const bytes = await views.read(first * 16, (first + count) * 16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: Cell[] = [];
  let held = 0;
  for (let i = 0; i < count; i++) {
    const at = 16 * i;
    const length = missing(i) ? 0 : view.getUint32(at, true);
    held += length;
    if (held > MOST_TEXT) throw new Damage("a column has texts that are too long");
    if (length <= 12) texts.push(textOf(bytes.subarray(at + 4, at + 4 + length)));
    else {
      const start = view.getUint32(at + 12, true);
      const buffer = data[view.getUint32(at + 8, true)];
      if (buffer === undefined) throw tooShort();
      texts.push(textOf(await buffer.read(start, start + length)));
    }
  }
  return texts;
}
