import {
  backend_util,
  conv2d,
  conv2dTranspose,
  type GradConfig,
  matMul,
  type NamedAttrMap,
  pad,
  reshape,
  stack,
  stridedSlice,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  transpose,
} from "@tensorflow/tfjs-core";
import { ArgumentError } from "@tessera/core";
import { Attributes } from "./config.js";

type Padding = "valid" | "same" | number;
type Rounding = "floor" | "round" | "ceil" | undefined;

/** How a filter meets an image. */
interface Convolution {
  readonly strides: [number, number];
  readonly pad: Padding;
  readonly rounding: Rounding;
}

/** Matrix products and convolutions. */
export const products: readonly GradConfig[] = [
  {
    kernelName: "BatchMatMul",
    inputsToSave: ["a", "b"],
    gradFunc: (dy, saved, attrs) => {
      const [a, b] = saved as [Tensor, Tensor];
      const g = dy as Tensor;
      const attributes = new Attributes(attrs);
      const ta = attributes.get<boolean>("transposeA");
      const tb = attributes.get<boolean>("transposeB");
      // Y = op(A)·op(B): ∂op(A) = G·op(B)ᵀ and ∂op(B) = op(A)ᵀ·G.
      return {
        a: () => alike(ta ? matMul(b, g, tb, true) : matMul(g, b, false, !tb), a),
        b: () => alike(tb ? matMul(g, a, true, ta) : matMul(a, g, !ta, false), b),
      };
    },
  },
  {
    kernelName: "Conv2D",
    inputsToSave: ["x", "filter"],
    gradFunc: (dy, saved, attrs) => {
      const [x, filter] = saved as [Tensor4D, Tensor4D];
      const g = dy as Tensor4D;
      const how = convolutionOf(attrs);
      return {
        x: () => conv2dTranspose(g, filter, x.shape, how.strides, how.pad, how.rounding),
        filter: () => filterGradient(x, g, filter.shape, how),
      };
    },
  },
  // What conv2dTranspose runs: x = convolution backwards of y.
  {
    kernelName: "Conv2DBackpropInput",
    inputsToSave: ["dy", "filter"],
    gradFunc: (dx, saved, attrs) => {
      const [y, filter] = saved as [Tensor4D, Tensor4D];
      const g = dx as Tensor4D;
      const how = convolutionOf(attrs);
      return {
        dy: () => conv2d(g, filter, how.strides, how.pad, "NHWC", 1, how.rounding),
        filter: () => filterGradient(g, y, filter.shape, how),
      };
    },
  },
];

/** Adds up what a batch axis was broadcast to. */
function alike(gradient: Tensor, { shape }: Tensor): Tensor {
  const extra = gradient.rank - shape.length;
  const axes = gradient.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < extra || (shape[axis - extra] === 1 && gradient.shape[axis]! > 1));
  return reshape(axes.length > 0 ? sum(gradient, axes) : gradient, shape);
}

/** @throws {ArgumentError} for what these gradients do not do */
export function convolutionOf(attrs: NamedAttrMap): Convolution {
  const attributes = new Attributes(attrs);
  const strides = attributes.get<[number, number] | number>("strides");
  const padding = attributes.get<Padding | number[][]>("pad");
  const dilations = [attributes.get<number | number[] | undefined>("dilations") ?? 1].flat();
  const format = attributes.get<string | undefined>("dataFormat") ?? "NHWC";
  if (format !== "NHWC" || dilations.some((d) => d !== 1) || Array.isArray(padding)) {
    throw new ArgumentError(
      "this gradient of convolutions is for NHWC without dilation and pads valid, same or a number",
      { hint: "import @tensorflow/tfjs, which has all gradients" },
    );
  }
  return {
    strides: Array.isArray(strides) ? strides : [strides, strides],
    pad: padding,
    rounding: attributes.get<Rounding>("dimRoundingMode"),
  };
}

/**
 * The gradient of y = conv(x, filter) with respect to the filter, a product for each of its places. The wasm backend has no
 * kernel for it.
 *
 * @param x `[n, h, w, c]`
 * @param dy `[n, h′, w′, c′]`
 * @returns `[fh, fw, c, c′]`
 */
export function filterGradient(
  x: Tensor4D,
  dy: Tensor4D,
  shape: [number, number, number, number],
  { strides, pad: padding, rounding }: Convolution,
): Tensor4D {
  const { padInfo, outHeight, outWidth } = backend_util.computeConv2DInfo(
    x.shape,
    shape,
    strides,
    1,
    padding,
    rounding,
  );
  const { top, bottom, left, right } = padInfo;
  const padded = pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  const [n, , , channels] = x.shape;
  const [fh, fw, , filters] = shape;
  const places = n * outHeight * outWidth;
  const outer: Tensor2D = reshape(dy, [places, filters]);
  const parts: Tensor2D[] = [];
  for (let i = 0; i < fh; i++) {
    for (let j = 0; j < fw; j++) {
      const end = [
        n,
        i + (outHeight - 1) * strides[0] + 1,
        j + (outWidth - 1) * strides[1] + 1,
        channels,
      ];
      const seen = stridedSlice(padded, [0, i, j, 0], end, [1, ...strides, 1]);
      const rows: Tensor2D = reshape(seen, [places, channels]);
      // Transposed apart, since wasm has no fast product of a transposed matrix.
      parts.push(matMul(transpose(rows), outer));
    }
  }
  return reshape(stack(parts), shape);
}
