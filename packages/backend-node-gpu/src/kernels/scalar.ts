import { TYPE } from "../addon.js";
import type { Engine, Node } from "../engine.js";
import { checkFinite } from "./finite.js";
import { byRows, rowsAtATime, type Workspace } from "./workspace.js";

/** The smallest normal float32: a step below it gives code 0. */
const SMALLEST = 2 ** -126;

/** The codes of a uniform scalar quantizer, in bytes: `[n, ceil(d·bits / 8)]`. */
export function encodeUniform(
  work: Workspace,
  x: Node,
  lower: Node,
  step: Node,
  levels: number,
  bits: number,
): Node {
  const { engine } = work;
  const [rows, columns] = x.shape as [number, number];
  checkFinite(work, x);
  const usable = engine.op("GreaterEqual", [step, engine.float(SMALLEST)]);
  const divisor = engine.op("SelectV2", [usable, step, engine.float(1)]);
  const [bytes] = byRows(work, rows, rowsAtATime(work, 16 * columns), (start, end) => {
    const above = engine.op("Sub", [engine.rows(x, start, end), lower]);
    const position = engine.op("SelectV2", [
      usable,
      engine.op("RealDiv", [above, divisor]),
      engine.float(0),
    ]);
    const inside = engine.op("ClipByValue", [position, engine.float(0), engine.float(levels - 1)]);
    return [pack(engine, engine.cast(engine.op("Rint", [inside]), TYPE.int32), bits)];
  });
  return bytes;
}

/** How many thresholds of its column each value exceeds, in bytes. */
export function encodeByThresholds(work: Workspace, x: Node, thresholds: Node, bits: number): Node {
  const { engine } = work;
  const [rows, columns] = x.shape as [number, number];
  checkFinite(work, x);
  const turn = (node: Node): Node => engine.op("Transpose", [node, engine.ints([1, 0])]);
  const sorted = ascending(engine, turn(thresholds));
  const [bytes] = byRows(work, rows, rowsAtATime(work, 16 * columns), (start, end) => {
    const values = turn(engine.rows(x, start, end));
    // The first place for a value among the thresholds is the number of those below it.
    const codes = engine.op("LowerBound", [sorted, values]);
    return [pack(engine, turn(codes), bits)];
  });
  return bytes;
}

function ascending(engine: Engine, values: Node): Node {
  const count = engine.ints([values.shape[1]!], []);
  const [descending] = engine.ops("TopKV2", [engine.op("Neg", [values]), count], {}, 2);
  return engine.op("Neg", [descending!]);
}

/** lower + code · step */
export function decode(work: Workspace, bytes: Node, lower: Node, step: Node, bits: number): Node {
  const { engine } = work;
  const columns = lower.shape[0]!;
  const [values] = byRows(work, bytes.shape[0]!, rowsAtATime(work, 16 * columns), (start, end) => {
    const codes = unpack(engine, engine.rows(bytes, start, end), columns, bits);
    const scaled = engine.op("Mul", [engine.cast(codes, TYPE.float32), step]);
    return [engine.op("AddV2", [scaled, lower])];
  });
  return values;
}

/** Codes of a row one after another, least significant bit first: int32 `[n, d]` to uint8 `[n, ceil(d·bits / 8)]`. */
function pack(engine: Engine, codes: Node, bits: number): Node {
  const perByte = 8 / bits;
  const [rows, columns] = codes.shape as [number, number];
  if (perByte === 1) return engine.cast(codes, TYPE.uint8);
  const width = Math.ceil(columns / perByte);
  const whole = engine.reshape(engine.pad(codes, 1, width * perByte - columns), [
    rows,
    width,
    perByte,
  ]);
  const shifted = engine.op("LeftShift", [whole, shifts(engine, bits)]);
  return engine.cast(engine.op("Sum", [shifted, engine.axis(2)]), TYPE.uint8);
}

function unpack(engine: Engine, bytes: Node, columns: number, bits: number): Node {
  const codes = engine.cast(bytes, TYPE.int32);
  if (bits === 8) return codes;
  const [rows, width] = bytes.shape as [number, number];
  const each = engine.op("RightShift", [
    engine.reshape(codes, [rows, width, 1]),
    shifts(engine, bits),
  ]);
  const low = engine.op("BitwiseAnd", [each, engine.ints([2 ** bits - 1], [])]);
  const all = engine.reshape(low, [rows, (width * 8) / bits]);
  return engine.op("Slice", [all, engine.ints([0, 0]), engine.ints([rows, columns])]);
}

/** How far each code of a byte is shifted. */
function shifts(engine: Engine, bits: number): Node {
  return engine.ints(Array.from({ length: 8 / bits }, (_, i) => i * bits));
}
