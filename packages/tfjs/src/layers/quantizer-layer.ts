import { dispose, type Scalar, scalar, type Tensor } from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { ShapeError } from "@tessera/core";
import { weightedSum } from "../codebook/losses.js";

export type LayerOptions = NonNullable<ConstructorParameters<typeof layers.Layer>[0]>;
export type Shape = (number | null)[];

/**
 * What the quantizers have in common: a layer that gives `[..., d]` for `[..., d]` and whose loss `LayersModel.fit()` adds to
 * the network's. In a loop of one's own, `model.calculateLosses()` gives the losses of the last pass with
 * `{ training: true }`, once.
 */
export abstract class QuantizerLayer extends layers.Layer {
  #pending: Scalar[] = [];

  /** What a call computes. */
  protected abstract quantize(z: Tensor, training: boolean): Tensor;

  override build(inputShape: Shape | Shape[]): void {
    this.addLoss(() => this.#takeLoss());
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[], kwargs: Readonly<Record<string, unknown>>): Tensor {
    const [z, ...others] = [inputs].flat();
    if (!z || others.length > 0) throw new ShapeError(`${this.name} takes one input`);
    return this.quantize(z, kwargs["training"] === true);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  /** Has `calculateLosses()` give this loss. */
  protected addPending(loss: Scalar): void {
    // Those that nobody asked for were disposed with their scope.
    this.#pending = [...this.#pending.filter(({ isDisposed }) => !isDisposed), loss];
  }

  /** A layer that was applied twice has two losses, and TensorFlow.js asks for each. */
  #takeLoss(): Scalar {
    const live = this.#pending.filter(({ isDisposed }) => !isDisposed);
    this.#pending = [];
    if (live.length === 1) return live[0]!;
    if (live.length === 0) return scalar(0);
    const total = weightedSum(live.map((loss) => [loss, 1]));
    dispose(live);
    return total;
  }
}

/** The last dimension of what a layer is built for. @throws {ShapeError} if there is none */
export function lastDimension(inputShape: Shape | Shape[], layer: string): number {
  const shape = inputShape as Shape;
  const d = shape.at(-1);
  if (typeof d === "number") return d;
  throw new ShapeError(`${layer} must know the last dimension of its input`, {
    hint: "give the model's input a shape with a number at its end",
  });
}
