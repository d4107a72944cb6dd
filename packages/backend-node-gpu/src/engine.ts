import { BackendError, sizeOf } from "@tessera/core";
import { type Addon, ATTRIBUTE, type ElementType, type HostArray, TYPE } from "./addon.js";

/** A tensor of TensorFlow's. Its values never change; who wants others makes another. */
export interface Node {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

/** Attributes of an operation by name. TensorFlow infers those that follow from the inputs. */
export type Attributes = Readonly<
  Record<string, boolean | { readonly int: number } | { readonly type: ElementType }>
>;

/** Constants that are kept at once; shapes and axes mostly, a few numbers each. */
const MAX_CONSTANTS = 1024;

/** Runs TensorFlow's operations, and frees what they made along the way. */
export class Engine {
  readonly #addon: Addon;
  readonly #constants = new Map<string, Node>();
  /** What the running `frame` made; undefined outside of one. */
  #made: Set<Node> | undefined;

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  /** Runs `body` and frees every node made in it, except those that it returns, which are then the caller's. */
  frame<T extends readonly Node[]>(body: () => T): T {
    const outer = this.#made;
    if (!outer && this.#constants.size > MAX_CONSTANTS) this.#forgetConstants();
    const made = new Set<Node>();
    this.#made = made;
    try {
      const kept = body();
      for (const node of kept) {
        if (made.delete(node)) outer?.add(node);
      }
      return kept;
    } finally {
      this.#made = outer;
      for (const node of made) this.free(node);
    }
  }

  /** An operation's only output. */
  op(name: string, inputs: readonly Node[], attributes: Attributes = {}): Node {
    return this.ops(name, inputs, attributes, 1)[0]!;
  }

  /** An operation's outputs. */
  ops(name: string, inputs: readonly Node[], attributes: Attributes, outputs: number): Node[] {
    try {
      const nodes = this.#addon.executeOp(
        name,
        Object.entries(attributes).map(([key, value]) => encoded(key, value)),
        inputs.map(({ id }) => id),
        outputs,
      );
      for (const node of nodes) this.#made?.add(node);
      return nodes;
    } catch (error) {
      throw new BackendError(`TensorFlow's ${name} failed: ${(error as Error).message}`, {
        hint: "if it is short of memory, pass fewer rows at a time or a smaller workspaceBytes",
        cause: error,
      });
    }
  }

  /** Another node with the values of one that was not made in this frame, and so is not the caller's to keep. */
  owned(node: Node): Node {
    return this.#made?.has(node) ? node : this.op("Identity", [node]);
  }

  /** Host values on the device. They may be used in place, so they must not change. */
  upload(data: HostArray, type: ElementType, shape: readonly number[]): Node {
    const node = { id: this.#addon.createTensor(shape, type, data), shape, dtype: type };
    this.#made?.add(node);
    return node;
  }

  /** The values of a float32, int32 or bool node, in memory of the caller's own. */
  download(node: Node): HostArray {
    return this.#addon.tensorDataSync(node.id);
  }

  free(node: Node): void {
    this.#addon.deleteTensor(node.id);
  }

  /** Whole numbers, kept from call to call. */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): Node {
    return this.#constant(Int32Array.from(values), TYPE.int32, shape);
  }

  /** A float32 number, kept from call to call. */
  float(value: number): Node {
    return this.#constant(Float32Array.of(value), TYPE.float32, []);
  }

  /** A float64 number. */
  double(value: number): Node {
    // The addon takes no float64 from the host; every number that is asked for here is a float32 one.
    return this.cast(this.float(value), TYPE.float64);
  }

  axis(axis: number): Node {
    return this.ints([axis], []);
  }

  cast(node: Node, type: ElementType): Node {
    return this.op("Cast", [node], { DstT: { type } });
  }

  reshape(node: Node, shape: readonly number[]): Node {
    const same = shape.length === node.shape.length && shape.every((e, i) => e === node.shape[i]);
    return same ? node : this.op("Reshape", [node, this.ints(shape)]);
  }

  /** Rows `start..end` of the first axis. */
  rows(node: Node, start: number, end: number): Node {
    const [all, ...rest] = node.shape;
    if (start === 0 && end === all) return node;
    const begin = [start, ...rest.map(() => 0)];
    return this.op("Slice", [node, this.ints(begin), this.ints([end - start, ...rest])]);
  }

  /** Entry `index` of the middle axis of a node of three axes, as a node of two. */
  middle(node: Node, index: number): Node {
    const [first, extent, last] = node.shape as [number, number, number];
    if (extent === 1) return this.reshape(node, [first, last]);
    const part = this.op("Slice", [node, this.ints([0, index, 0]), this.ints([first, 1, last])]);
    return this.reshape(part, [first, last]);
  }

  /** Nodes one after another along an axis. */
  concat(nodes: readonly Node[], axis: number): Node {
    if (nodes.length === 1) return nodes[0]!;
    return this.op("ConcatV2", [...nodes, this.axis(axis)], {
      N: { int: nodes.length },
      // The type of a list of inputs is not inferred.
      T: { type: nodes[0]!.dtype },
    });
  }

  /** Zeros added at the end of an axis. */
  pad(node: Node, axis: number, count: number): Node {
    if (count === 0) return node;
    const widths = node.shape.flatMap((_, i) => [0, i === axis ? count : 0]);
    return this.op("Pad", [node, this.ints(widths, [node.shape.length, 2])]);
  }

  /** Rows of the first axis by index. */
  take(node: Node, indices: Node): Node {
    return this.op("GatherV2", [node, indices, this.axis(0)]);
  }

  zeros(type: ElementType, shape: readonly number[]): Node {
    const size = sizeOf(shape);
    if (type === TYPE.float32) return this.upload(new Float32Array(size), type, shape);
    if (type === TYPE.int32) return this.upload(new Int32Array(size), type, shape);
    return this.upload(new Uint8Array(size), type, shape);
  }

  /** Whether a bool node holds nothing but true. */
  all(node: Node): boolean {
    if (sizeOf(node.shape) === 0) return true;
    const flat = this.reshape(node, [sizeOf(node.shape)]);
    return this.download(this.op("All", [flat, this.axis(0)]))[0] === 1;
  }

  dispose(): void {
    this.#forgetConstants();
  }

  #constant(data: HostArray, dtype: ElementType, shape: readonly number[]): Node {
    const key = `${dtype}[${shape.join()}]${data.join()}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const node = { id: this.#addon.createTensor(shape, dtype, data), shape, dtype };
    this.#constants.set(key, node);
    return node;
  }

  #forgetConstants(): void {
    for (const node of this.#constants.values()) this.free(node);
    this.#constants.clear();
  }
}

function encoded(
  name: string,
  value: Attributes[string],
): { name: string; type: number; value: number | boolean } {
  if (typeof value === "boolean") return { name, type: ATTRIBUTE.bool, value };
  if ("int" in value) return { name, type: ATTRIBUTE.int, value: value.int };
  return { name, type: ATTRIBUTE.type, value: value.type };
}
