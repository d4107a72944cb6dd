import { FormatError } from "@tessera/core";
import { UnsupportedError } from "../errors.js";
import type { FaissMetric } from "./import.js";
import type { FaissReader } from "./reader.js";
import type { FaissWriter } from "./writer.js";

/** What every index begins with. */
export interface Header {
  readonly dimension: number;
  readonly count: number;
  readonly metric: FaissMetric;
}

/** Two fields that faiss no longer uses have this value. */
const UNUSED = 2 ** 20;
const METRICS: readonly FaissMetric[] = ["ip", "l2"];
/** More values than any row has; models of scalars take memory for each, also where a file has none. */
const MOST_DIMENSIONS = 2 ** 16;

export function readHeader(reader: FaissReader): Header {
  const dimension = reader.int32("the dimension");
  const count = reader.size("the number of rows");
  reader.bytes(16, "the header");
  const isTrained = reader.flag("is_trained");
  const metricType = reader.int32("the metric");
  if (dimension < 1 || dimension > MOST_DIMENSIONS) {
    throw new FormatError(
      `faiss index: the dimension is ${dimension}; it must be from 1 to ${MOST_DIMENSIONS}`,
    );
  }
  const metric = METRICS[metricType];
  if (metric === undefined) {
    throw new UnsupportedError(
      `the faiss index has metric ${metricType}; Tessera has L2 (1) and inner product (0)`,
    );
  }
  if (!isTrained) {
    throw new UnsupportedError("the faiss index is not trained, so there is nothing to import", {
      hint: "call index.train(rows) first",
    });
  }
  return { dimension, count, metric };
}

export function writeHeader(writer: FaissWriter, { dimension, count, metric }: Header): void {
  writer.int32(dimension);
  writer.size(count);
  writer.size(UNUSED);
  writer.size(UNUSED);
  writer.flag(true);
  writer.int32(METRICS.indexOf(metric));
}
