import { FormatError, type Matrix, printTransform, ShapeError } from "@tessera/core";
import {
  CenterTransform,
  NormalizeTransform,
  PcaTransform,
  RotationTransform,
  type TransformModel,
} from "@tessera/transforms";
import { UnsupportedError } from "../errors.js";
import { checkLength, type FaissReader } from "./reader.js";
import type { FaissWriter } from "./writer.js";

/** Norms of a matrix's rows that are this near to 1 are 1 but for rounding. */
const UNIT = 1e-4;

export interface FaissTransform {
  /** faiss' class. */
  readonly name: string;
  readonly transform: TransformModel;
}

/** Any `VectorTransform` that Tessera has a transform for. */
export function readTransform(reader: FaissReader): FaissTransform {
  const kind = reader.fourcc("the transform's class");
  switch (kind) {
    case "rrot":
      return readLinear(reader, "RandomRotationMatrix");
    case "LTra":
      // An OPQMatrix is written as the LinearTransform that it is.
      return readLinear(reader, "LinearTransform");
    case "Pcam": {
      // How the matrix was learned: eigen_power, epsilon, random_rotation, balanced_bins.
      reader.bytes(13, "the options of the PCA");
      const mean = reader.floatVector("the mean");
      reader.floatVector("the eigenvalues");
      reader.floatVector("the components");
      return readLinear(reader, "PCAMatrix", mean);
    }
    case "VNrm": {
      const norm = reader.float32("the norm");
      const { input } = readDimensions(reader);
      if (norm !== 2) {
        throw new UnsupportedError(`NormalizationTransform has norm ${norm}; Tessera has norm 2`);
      }
      return { name: "NormalizationTransform", transform: new NormalizeTransform(input) };
    }
    case "VCnt": {
      const data = reader.floatVector("the mean");
      const { input } = readDimensions(reader);
      checkLength(data.length, input, "the mean");
      const transform = new CenterTransform({ data, rows: 1, cols: input });
      return { name: "CenteringTransform", transform };
    }
    default:
      throw new UnsupportedError(`the faiss index has a transform "${kind}"`, {
        hint: "Tessera has LinearTransform, OPQMatrix, PCAMatrix, RandomRotationMatrix, NormalizationTransform and CenteringTransform",
      });
  }
}

function readDimensions(reader: FaissReader): { input: number; output: number } {
  const input = reader.int32("d_in of the transform");
  const output = reader.int32("d_out of the transform");
  reader.flag("is_trained");
  if (input < 1 || output < 1) {
    throw new FormatError(`faiss index: a transform of ${input} values into ${output}`);
  }
  return { input, output };
}

/** x ↦ A·x + b, with `mean` what the inverse puts where A does not look. */
function readLinear(reader: FaissReader, name: string, mean?: Float32Array): FaissTransform {
  const hasBias = reader.flag("have_bias");
  const values = reader.floatVector("the matrix");
  const vector = reader.floatVector("the bias");
  const { input, output } = readDimensions(reader);
  checkLength(values.length, input * output, "the matrix");
  const a: Matrix = { data: values, rows: output, cols: input };
  if (hasBias) checkLength(vector.length, output, "the bias");
  const isCentred = mean !== undefined && mean.length > 0;
  if (isCentred) checkLength(mean.length, input, "the mean");
  const norms = rowNorms(a);
  const isUnit = norms.every((norm) => Math.abs(norm - 1) <= UNIT);
  try {
    if (isUnit && input === output && !hasBias && !isCentred) {
      const kind = name === "RandomRotationMatrix" ? "rotation" : "opq";
      return { name, transform: new RotationTransform({ kind }, a) };
    }
    const components = isUnit ? a : unitRows(a, norms);
    const bias = hasBias ? vector : new Float32Array(output);
    return {
      name,
      transform: new PcaTransform(
        centreOf(components, norms, bias, isCentred ? mean : new Float32Array(input)),
        components,
        isUnit ? undefined : rowOf(norms.map((norm) => 1 / norm)),
      ),
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new UnsupportedError(
      `${name} of ${input} values into ${output}: ${error.message}; Tessera's transforms have orthogonal rows, no more than columns, so that they can be undone`,
    );
  }
}

/** The μ for which S·V·(x − μ) = S·V·x + b: the mean as it was stored, but for its part in the span of V if b differs. */
function centreOf(v: Matrix, norms: Float64Array, bias: Float32Array, mean: Float32Array): Matrix {
  const centre = Float64Array.from(mean);
  for (let i = 0; i < v.rows; i++) {
    let along = bias[i]! / norms[i]!;
    for (let j = 0; j < v.cols; j++) along += v.data[i * v.cols + j]! * mean[j]!;
    for (let j = 0; j < v.cols; j++) centre[j]! -= along * v.data[i * v.cols + j]!;
  }
  return rowOf(centre);
}

function rowNorms({ data, rows, cols }: Matrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    let squares = 0;
    for (let j = 0; j < cols; j++) squares += data[i * cols + j]! ** 2;
    return Math.sqrt(squares);
  });
}

function unitRows({ data, rows, cols }: Matrix, norms: Float64Array): Matrix {
  return {
    data: data.map((value, at) => value / (norms[Math.floor(at / cols)]! || 1)),
    rows,
    cols,
  };
}

function rowOf(values: Float64Array): Matrix {
  return { data: Float32Array.from(values), rows: 1, cols: values.length };
}

/** @throws {UnsupportedError} for a transform that faiss does not have */
export function writeTransform(writer: FaissWriter, transform: TransformModel): void {
  const none = new Float32Array(0);
  if (transform instanceof CenterTransform) {
    writer.fourcc("VCnt");
    writer.vector(transform.mean.data);
  } else if (transform instanceof NormalizeTransform) {
    writer.fourcc("VNrm");
    writer.float32(2);
  } else if (transform instanceof RotationTransform) {
    writer.fourcc(transform.spec.kind === "rotation" ? "rrot" : "LTra");
    writer.flag(false);
    writer.vector(transform.rotation.data);
    writer.vector(none);
  } else if (transform instanceof PcaTransform) {
    const { mean, components, deviations } = transform;
    const { a, bias } = linearOf(transform);
    writer.fourcc("Pcam");
    // The power of the eigenvalues that the components were multiplied by; -1/2 whitens.
    writer.float32(deviations ? -0.5 : 0);
    writer.float32(0);
    writer.flag(false);
    writer.int32(0);
    writer.vector(mean.data);
    writer.vector(deviations ? deviations.data.map((value) => value * value) : none);
    writer.vector(components.data);
    writer.flag(true);
    writer.vector(a);
    writer.vector(bias);
  } else {
    throw new UnsupportedError(
      `faiss has no transform that does as ${printTransform(transform.spec)}`,
      {
        hint: "it has center, normalize, rotation, opq and pca",
      },
    );
  }
  writer.int32(transform.inputDimension);
  writer.int32(transform.outputDimension);
  writer.flag(true);
}

/** A PCA as A·x + b. */
function linearOf({ mean, components, deviations }: PcaTransform) {
  const { rows, cols } = components;
  const a = components.data.map(
    (value, at) => value / (deviations?.data[Math.floor(at / cols)] ?? 1),
  );
  const bias = Float32Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < cols; j++) sum -= a[i * cols + j]! * mean.data[j]!;
    return sum;
  });
  return { a, bias };
}
