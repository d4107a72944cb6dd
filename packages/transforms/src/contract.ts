import type {
  ComputeBackend,
  FitOptions,
  HostTensor,
  Matrix,
  Model,
  Rows,
  StateReader,
  TransformedSpec,
  TransformSpec,
  WorkOptions,
} from "@tessera/core";

export interface TransformOptions extends WorkOptions {
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

/**
 * A learned transform of rows `[n, inputDimension]` into rows `[n, outputDimension]`. Immutable. What becomes of a row does
 * not depend on the rows around it.
 */
export interface TransformModel<T extends TransformSpec = TransformSpec> {
  readonly spec: T;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /**
   * Whether squared distances between rows are those between the transformed rows. A search may then transform the query
   * and compare it with codes as the quantizer behind the transform does.
   */
  readonly isometric: boolean;
  /**
   * Where the transform is not isometric but its inverse is: how a query is to be compared with rows before they are
   * transformed back. ‖query − invert(y)‖² and ‖p − y‖² then differ by a number that depends on the query alone, where p is
   * the query after the transform (`apply`), or as it is (`keep`).
   */
  readonly queries?: "apply" | "keep" | undefined;
  /**
   * @param rows `[n, inputDimension]`; a value that is not finite makes its own row's values so
   * @throws {ShapeError} if the rows have another dimension
   */
  apply(rows: Matrix, options?: TransformOptions): Promise<Matrix>;
  /**
   * The way back: of all rows that the transform may have come from, the one that its model takes for the likeliest. Each
   * transform says what it undoes.
   *
   * @param rows `[n, outputDimension]`
   * @throws {ShapeError} if the rows have another dimension
   */
  invert(rows: Matrix, options?: TransformOptions): Promise<Matrix>;
  /** What was learned, as float32 tensors by name. */
  tensors(): Readonly<Record<string, HostTensor>>;
  /** Figures and settings to keep beside the tensors, as JSON; `restore` finds them in its state. */
  facts?(): Readonly<Record<string, unknown>>;
}

export type TransformKind = TransformSpec["kind"];
export type TransformOf<K extends TransformKind> = Extract<TransformSpec, { readonly kind: K }>;

export interface TransformContext {
  readonly options: FitOptions;
  /** This transform's own seed. */
  readonly seed: number;
  /** What follows the transform. */
  readonly quantizer: TransformedSpec["quantizer"];
  /** Fits a quantizer such as that, on rows as the transform gives them. */
  fitQuantizer(rows: Rows): Promise<Model>;
}

/** A transform and the quantizer behind it. */
export interface FittedTogether {
  readonly transform: TransformModel;
  readonly quantizer: Model;
}

/**
 * What a package plugs in to run one kind of transform: how to learn it, and how to bring it back from a file. See
 * {@link createTransformedPart}.
 */
export interface TransformPart<K extends TransformKind> {
  readonly kind: K;
  /** Looks at the whole of a spec before anything is fitted. @throws {SpecError} if it makes no sense */
  check?(spec: TransformedSpec & { readonly transform: TransformOf<K> }): void;
  /**
   * Learns the transform; or, of one that is learned together with the quantizer behind it, both.
   *
   * @param rows `[n, d]`, n ≥ 1; a stream is one that can be read again
   */
  fit(
    transform: TransformOf<K>,
    rows: Rows,
    context: TransformContext,
  ): Promise<TransformModel | FittedTogether>;
  /**
   * @param dimension that of the quantizer after the transform, so the transform's `outputDimension`
   * @throws {FormatError} if the tensors are not what such a transform has
   */
  restore(transform: TransformOf<K>, state: StateReader, dimension: number): TransformModel;
}

/** A part for any one kind of transform. */
export type AnyTransformPart = { [K in TransformKind]: TransformPart<K> }[TransformKind];
