import { sizeOf, type TesseraError } from "@tessera/core";
import type { Engine, Node } from "./engine.js";

/** Consecutive values of a storage. */
interface Piece {
  readonly start: number;
  readonly node: Node;
}

/**
 * What tensors that share values hold together; freed when the last of them lets go.
 *
 * TensorFlow's values never change, so a storage whose parts are written in place is made of pieces: a part that is written
 * whole again, as a layer's gradient is in each step, takes the place of its piece, and nothing else is copied.
 */
export class Storage {
  readonly #engine: Engine;
  #pieces: readonly Piece[];
  #fault: TesseraError | undefined;
  #holds = 1;

  /** Takes over the node with all values; without one, they are to be written before they are read. */
  constructor(engine: Engine, values?: Node) {
    this.#engine = engine;
    this.#pieces = values ? [{ start: 0, node: values }] : [];
  }

  /** What kept the values from being computed. */
  get fault(): TesseraError | undefined {
    return this.#fault;
  }

  /**
   * The values `start..end` in any shape; to be called in a frame.
   *
   * @throws what is wrong with them, if anything is
   */
  read(start: number, end: number): Node {
    if (this.#fault) throw this.#fault;
    const parts = this.#pieces.filter((piece) => piece.start < end && endOf(piece) > start);
    if (parts.length === 0) return this.#cut(this.#pieces[0]!, 0, 0);
    const nodes = parts.map((piece) =>
      this.#cut(piece, Math.max(start, piece.start), Math.min(end, endOf(piece))),
    );
    return nodes.length === 1
      ? nodes[0]!
      : this.#engine.concat(
          nodes.map((n) => this.#flat(n)),
          0,
        );
  }

  /** Puts a node, which is taken over, in the place of the values from `start`. Outside of any frame. */
  write(start: number, node: Node): void {
    const changesNothing = this.#pieces.length > 0 && sizeOf(node.shape) === 0;
    if (this.#fault || changesNothing) {
      this.#engine.free(node);
      return;
    }
    const end = start + sizeOf(node.shape);
    this.#pieces = this.#pieces.flatMap((piece) => {
      if (piece.start >= end || endOf(piece) <= start) return [piece];
      const rests = [
        { start: piece.start, end: start },
        { start: end, end: endOf(piece) },
      ].filter((rest) => rest.start < rest.end);
      const nodes = this.#engine.frame(() =>
        rests.map((rest) => this.#engine.owned(this.#cut(piece, rest.start, rest.end))),
      );
      this.#engine.free(piece.node);
      return nodes.map((rest, i) => ({ start: rests[i]!.start, node: rest }));
    });
    this.#pieces = [...this.#pieces, { start, node }].sort((a, b) => a.start - b.start);
  }

  /** Puts all values at fault, for good. */
  spoil(fault: TesseraError): void {
    this.#fault ??= fault;
  }

  retain(): this {
    this.#holds++;
    return this;
  }

  release(): void {
    this.#holds--;
    if (this.#holds === 0) for (const { node } of this.#pieces) this.#engine.free(node);
  }

  /** Values of a piece, by their places in the storage. */
  #cut(piece: Piece, start: number, end: number): Node {
    if (start === piece.start && end === endOf(piece)) return piece.node;
    return this.#engine.rows(this.#flat(piece.node), start - piece.start, end - piece.start);
  }

  #flat(node: Node): Node {
    return this.#engine.reshape(node, [sizeOf(node.shape)]);
  }
}

function endOf({ start, node }: Piece): number {
  return start + sizeOf(node.shape);
}
