import { Damage } from "../columnar/damage.js";

/**
 * Thrift's compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), in which
 * Parquet writes its metadata. Every value takes at least one byte, so what is built is bounded by what is read.
 */

export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** A struct: values by the numbers of its fields. */
export class ThriftStruct {
  readonly #fields = new Map<number, ThriftValue>();

  set(field: number, value: ThriftValue): void {
    this.#fields.set(field, value);
  }

  number(field: number): number | undefined {
    return this.#typed(field, (value) => (typeof value === "number" ? value : undefined));
  }

  /** An integer that cannot be missing or negative, such as a length. */
  count(field: number, what: string): number {
    const value = this.number(field);
    if (value !== undefined && Number.isSafeInteger(value) && value >= 0) return value;
    throw new Damage(`its metadata give ${value ?? "nothing"} as ${what}`);
  }

  boolean(field: number): boolean | undefined {
    return this.#typed(field, (value) => (typeof value === "boolean" ? value : undefined));
  }

  text(field: number): string | undefined {
    return this.#typed(field, (value) =>
      value instanceof Uint8Array ? new TextDecoder().decode(value) : undefined,
    );
  }

  struct(field: number): ThriftStruct | undefined {
    return this.#typed(field, (value) => (value instanceof ThriftStruct ? value : undefined));
  }

  structs(field: number): readonly ThriftStruct[] {
    const list = this.#typed(field, (value) => (Array.isArray(value) ? value : undefined)) ?? [];
    return list.map((value: ThriftValue) => {
      if (value instanceof ThriftStruct) return value;
      throw new Damage("its metadata have a value of a wrong type");
    });
  }

  #typed<T>(field: number, cast: (value: ThriftValue) => T | undefined): T | undefined {
    const value = this.#fields.get(field);
    if (value === undefined) return undefined;
    const typed = cast(value);
    if (typed === undefined) throw new Damage("its metadata have a value of a wrong type");
    return typed;
  }
}

/** More than Parquet's own structs are nested. */
const MOST_NESTED = 32;

/** The bytes ended within a value: more of them may help. */
export class OutOfBytes extends Damage {
  constructor() {
    super("its metadata end too early");
  }
}

/**
 * Reads a struct.
 *
 * @returns it, and the byte after it
 * @throws {OutOfBytes} if the bytes end first
 * @throws {Damage} if they are no struct
 */
export function readThrift(bytes: Uint8Array): { struct: ThriftStruct; end: number } {
  const reader = new Reader(bytes);
  const struct = reader.struct(0);
  return { struct, end: reader.at };
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  struct(nested: number): ThriftStruct {
    if (nested > MOST_NESTED) throw new Damage("its metadata are nested too deeply");
    const struct = new ThriftStruct();
    let field = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 15;
      if (type === 0) return struct;
      field = head >> 4 === 0 ? this.#zigzag() : field + (head >> 4);
      // Booleans among fields are their type.
      struct.set(field, type <= 2 ? type === 1 : this.#value(type, nested));
    }
  }

  #value(type: number, nested: number): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return this.#byte() === 1;
      case 3:
        return (this.#byte() << 24) >> 24;
      case 4:
      case 5:
      case 6:
        return this.#zigzag();
      case 7: {
        const bytes = this.#take(8);
        return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
      }
      case 8:
        return this.#take(this.#varint());
      case 9:
      case 10:
        return this.#list(nested + 1);
      case 12:
        return this.struct(nested + 1);
      default:
        throw new Damage(`its metadata have a value of the unknown type ${type}`);
    }
  }

  #list(nested: number): ThriftValue[] {
    if (nested > MOST_NESTED) throw new Damage("its metadata are nested too deeply");
    const head = this.#byte();
    const length = head >> 4 === 15 ? this.#varint() : head >> 4;
    const values: ThriftValue[] = [];
    // It grows as it is read: the length is a mere claim.
    for (let i = 0; i < length; i++) values.push(this.#value(head & 15, nested));
    return values;
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new OutOfBytes();
    this.at++;
    return byte;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.at) throw new OutOfBytes();
    return this.#bytes.subarray(this.at, (this.at += length));
  }

  /** At most 64 bits; beyond 53 not exact, which no length or offset of a file reaches. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Damage("its metadata have an integer without an end");
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
