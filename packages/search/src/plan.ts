import {
  addTerms,
  ArgumentError,
  codeColumns,
  Codes,
  type ComputeBackend,
  joinColumns,
  type Matrix,
  type Model,
  type ProductEstimator,
  type Term,
} from "@tessera/core";
import { ResidualModel } from "@tessera/rq";
import { VqModel } from "@tessera/vq";
import type { Chunk, NewRows, RowFactors } from "./chunk.js";
import { type DeviceDecoder, deviceDecoder } from "./decoder.js";
import { CodeLayout, tableSizeFor } from "./layout.js";
import { dotOf, squaredNorms } from "./metric.js";
import { openSpace, type SearchSpace } from "./space.js";
import { TableMaker } from "./tables.js";

export interface PlanSettings {
  /** Sort rows by the first code. */
  readonly lists: boolean;
  /** Compare signs with signs. */
  readonly symmetric: boolean;
}

/** The first level of a residual model, whose codewords head the lists, and what is behind it. */
export interface ListPlan {
  readonly first: VqModel;
  readonly rest: Model;
}

/** How a model's codes are kept and searched: what the model offers decides. */
export interface Plan {
  readonly settings: PlanSettings;
  readonly model: Model;
  readonly space: SearchSpace;
  readonly lists: ListPlan | undefined;
  readonly layout: CodeLayout;
  /** Codewords that add up to a row, or with an estimator to what is stretched. Their columns are the layout's. */
  readonly terms: readonly Term[] | undefined;
  readonly estimator: ProductEstimator | undefined;
  readonly tables: TableMaker | undefined;
  readonly decoder: DeviceDecoder | undefined;
}

/** @throws {ArgumentError} if the model has no first level to make lists of, or no signs to compare */
export function makePlan(model: Model, settings: PlanSettings): Plan {
  const space = openSpace(model);
  const lists = settings.lists ? listPlan(space.leaf) : undefined;
  if (settings.symmetric) checkSigns(space.leaf, settings);
  const searched = lists?.rest ?? space.leaf;
  const { estimator } = searched;
  const terms = estimator?.terms ?? searched.terms;
  const { cardinalities, dimension } = searched;
  const mainColumns = estimator ? 1 + Math.max(...terms!.map(({ column }) => column)) : undefined;
  const main = cardinalities.slice(0, mainColumns);
  let layout = new CodeLayout(cardinalities, mainColumns);
  const tableSize = terms && !settings.symmetric ? tableSizeFor(main) : undefined;
  let tables: TableMaker | undefined;
  if (terms && tableSize) {
    const blocked = new CodeLayout(cardinalities, mainColumns, tableSize);
    // Tables of 16 are as quick as products; those of 256 only where the processor looks them up by shuffles.
    if ((tableSize === 16 ? 1 : 2) * blocked.tables <= dimension + 2) {
      layout = blocked;
      tables = new TableMaker(blocked, terms, dimension);
    }
  }
  const decoder = deviceDecoder(terms, dimension, layout.columnBits);
  return { settings, model, space, lists, layout, terms, estimator, tables, decoder };
}

/** Whether signs are all that a model's codes are, so that the number of different bits says something. */
export function hasSigns(model: Model): boolean {
  const { leaf } = openSpace(model);
  return leaf.spec.kind === "sign" && leaf.estimator === undefined;
}

function checkSigns(leaf: Model, { lists }: PlanSettings): void {
  if (lists) throw new ArgumentError("an index of lists does not compare signs with signs");
  if (!leaf.cardinalities.every((k) => k === 2)) {
    throw new ArgumentError(`codes of ${leaf.spec.kind} have no signs to compare`, {
      hint: "leave symmetric out, or use a model that ends in sign",
    });
  }
}

function listPlan(leaf: Model): ListPlan {
  if (leaf instanceof ResidualModel) {
    const [first, ...rest] = leaf.levels;
    if (first instanceof VqModel && rest.length > 0) {
      return { first, rest: rest.length === 1 ? rest[0]! : new ResidualModel(rest) };
    }
  }
  throw new ArgumentError("lists need a model whose first level is a vq", {
    hint: "such as vq1024+pq16x256, vq256+sq8 or rq4x256",
  });
}

/** The columns that the index keeps, and the list of each row. */
export function splitCodes(plan: Plan, codes: Codes): Pick<NewRows, "codes" | "lists"> {
  if (!plan.lists) return { codes };
  const { columns, rows, data } = codes;
  const lists = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) lists[i] = data[i * columns]!;
  return { codes: codeColumns(codes, 1, plan.layout.cardinalities), lists };
}

/** What the tables lack of a row's distance. */
export async function factorsOf(
  plan: Plan,
  { codes, lists }: Pick<NewRows, "codes" | "lists">,
  backend: ComputeBackend | undefined,
): Promise<RowFactors> {
  const { estimator } = plan;
  if (!hasOffsets(plan)) return { deviation: 0 };
  const factors = estimator?.factors(codes);
  const rows = estimator && !plan.lists ? undefined : await decodeMain(plan, codes, backend);
  const offsets = factors?.squares ?? squaredNorms(rows!);
  if (plan.lists && rows) {
    // ‖q − c − r‖² = ‖q − c‖² − 2⟨q, r⟩ + ‖r‖² + 2⟨c, r⟩
    const { data, cols } = plan.lists.first.codebook;
    lists!.forEach((list, i) => {
      const product = dotOf(data, list * cols, rows.data, i * cols, cols);
      offsets[i]! += 2 * (factors?.stretches[i] ?? 1) * product;
    });
  }
  return {
    scales: factors?.stretches,
    offsets,
    deviation: factors?.deviations.reduce((most, value) => Math.max(most, value), 0) ?? 0,
  };
}

/** Whether rows have offsets of their own: an estimator's squared lengths, or what tables lack. */
export function hasOffsets({ estimator, tables, lists }: Plan): boolean {
  return Boolean(estimator ?? (tables && (lists || !tables.disjoint)));
}

/** What the layout's columns decode to: rows, or with an estimator what is stretched; with lists, without the list's. */
export async function decodeMain(
  plan: Plan,
  codes: Codes,
  backend: ComputeBackend | undefined,
): Promise<Matrix> {
  const { estimator, space, lists } = plan;
  const searched = lists?.rest ?? space.leaf;
  if (!estimator) return searched.decode(codes, { backend });
  const rows = {
    data: new Float32Array(codes.rows * searched.dimension),
    rows: codes.rows,
    cols: searched.dimension,
  };
  addTerms(rows, estimator.terms, codes);
  return rows;
}

/** Codes of the model for places `start..end` of a chunk. An empty place has those of another, since no code need be 0. */
export function readCodes(plan: Plan, chunk: Chunk, start: number, end: number): Codes {
  const filled = chunk.ids.findIndex((id) => id >= 0);
  const places = Uint32Array.from({ length: end - start }, (_, i) =>
    chunk.ids[start + i]! >= 0 ? start + i : filled,
  );
  return pickCodes(plan, chunk, places);
}

/** Codes of the model for some places of a chunk. */
export function pickCodes(plan: Plan, chunk: Chunk, places: Uint32Array): Codes {
  const codes = plan.layout.pick(chunk.stored, places);
  return withLists(plan, codes, chunk.lists && places.map((place) => chunk.lists![place]!));
}

function withLists({ model }: Plan, codes: Codes, lists: Uint32Array | undefined): Codes {
  if (!lists) return codes;
  return joinColumns([new Codes(lists, model.cardinalities.slice(0, 1)), codes]);
}
