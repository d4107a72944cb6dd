import { Damage } from "../columnar/damage.js";

/**
 * A table of a FlatBuffer (https://flatbuffers.dev/internals/), the form of Arrow's metadata. Every access is checked
 * against the end of the bytes. Fields are counted from 0, as in Arrow's schemas.
 */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;
  readonly #fields: number;
  readonly #fieldsEnd: number;

  private constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#fields = at - inside(view, at, 4).getInt32(at, true);
    this.#fieldsEnd = this.#fields + inside(view, this.#fields, 4).getUint16(this.#fields, true);
  }

  /** @throws {Damage} if the bytes are no FlatBuffer */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return new FlatTable(view, inside(view, 0, 4).getUint32(0, true));
  }

  /** An integer of 8, 16 or 32 bits; `fallback` where it is left out, as defaults are. */
  integer(field: number, bits: 8 | 16 | 32, fallback = 0): number {
    const at = this.#find(field, bits / 8);
    if (at === undefined) return fallback;
    if (bits === 8) return this.#view.getInt8(at);
    return bits === 16 ? this.#view.getInt16(at, true) : this.#view.getInt32(at, true);
  }

  /** An integer of 64 bits that is a length or the like. */
  count(field: number): number {
    const at = this.#find(field, 8);
    return at === undefined ? 0 : countAt(this.#view, at);
  }

  boolean(field: number): boolean {
    return this.integer(field, 8) !== 0;
  }

  text(field: number): string {
    const at = this.#vector(field, 1);
    if (at === undefined) return "";
    const { buffer, byteOffset } = this.#view;
    return new TextDecoder().decode(new Uint8Array(buffer, byteOffset + at.start, at.length));
  }

  table(field: number): FlatTable | undefined {
    const at = this.#find(field, 4);
    return at === undefined ? undefined : this.#follow(at);
  }

  tables(field: number): FlatTable[] {
    const { start, length } = this.#vector(field, 4) ?? { start: 0, length: 0 };
    return Array.from({ length }, (_, i) => this.#follow(start + 4 * i));
  }

  /** A vector of structs of lengths and the like, `[entries][counts]`. */
  counts(field: number, inEach: number): number[][] {
    const { start, length } = this.#vector(field, 8 * inEach) ?? { start: 0, length: 0 };
    return Array.from({ length }, (_, i) =>
      Array.from({ length: inEach }, (__, j) => countAt(this.#view, start + 8 * (i * inEach + j))),
    );
  }

  #follow(at: number): FlatTable {
    return new FlatTable(this.#view, at + this.#view.getUint32(at, true));
  }

  /** Where a vector's entries start, and how many there are: as many as there is room for. */
  #vector(field: number, bytesEach: number): { start: number; length: number } | undefined {
    const at = this.#find(field, 4);
    if (at === undefined) return undefined;
    const head = at + this.#view.getUint32(at, true);
    const length = inside(this.#view, head, 4).getUint32(head, true);
    inside(this.#view, head + 4, length * bytesEach);
    return { start: head + 4, length };
  }

  /** Where the value of a field is; `undefined` where it is left out. */
  #find(field: number, bytes: number): number | undefined {
    const slot = this.#fields + 4 + 2 * field;
    if (slot + 2 > this.#fieldsEnd) return undefined;
    const offset = inside(this.#view, slot, 2).getUint16(slot, true);
    if (offset === 0) return undefined;
    inside(this.#view, this.#at + offset, bytes);
    return this.#at + offset;
  }
}

function inside(view: DataView, at: number, bytes: number): DataView {
  if (at >= 0 && at + bytes <= view.byteLength) return view;
  throw new Damage("its metadata point beyond their end");
}

function countAt(view: DataView, at: number): number {
  const value = Number(view.getBigInt64(at, true));
  // −1 stands for unknown counts of nulls.
  if (Number.isSafeInteger(value) && value >= -1) return value;
  throw new Damage(`its metadata give ${value} as a length`);
}
