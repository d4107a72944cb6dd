import { completeBackend, type CompleteBackend, type ComputeBackend } from "@tessera/core";
import { ConformanceError, showError } from "./assertions.js";

export interface ConformanceOptions {
  /**
   * How much work: the larger shapes are cut to about `scale` × 2 million multiply-adds. Default: 1, about a second on
   * a fast backend. Take less for a software GPU, more before a release. Below 0.02, cases that try many batches or kinds
   * of data try a few.
   */
  readonly scale?: number | undefined;
  /**
   * The engine rounds subnormal numbers (below 2⁻¹²⁶) to zero, as many GPUs do; results may then be off by that much.
   * Default: false.
   */
  readonly flushesSubnormals?: boolean | undefined;
}

/** The scale below which a case tries fewer batches and kinds of data. */
export const SLOW = 0.02;

/** One promise of the contract, for any test framework: `it(c.name, c.run)`. */
export interface ConformanceCase {
  readonly name: string;
  /** Makes a backend, tries it, disposes it. Rejects if the backend breaks the promise. */
  run(): Promise<void>;
}

/** What a case is told besides the backend. */
export interface Settings {
  readonly scale: number;
  readonly flushesSubnormals: boolean;
  /** The largest error of one product whose exact value is too small for a normal float32. */
  readonly smallest: number;
  /** Makes another backend of the kind under test. Whoever asks for it disposes it. */
  readonly create: () => Promise<ComputeBackend>;
}

export interface CaseDefinition {
  readonly name: string;
  readonly body: (backend: CompleteBackend, settings: Settings) => Promise<void>;
}

export function settingsOf(
  create: () => Promise<ComputeBackend>,
  options: ConformanceOptions,
): Settings {
  const { scale = 1, flushesSubnormals = false } = options;
  return { scale, flushesSubnormals, smallest: flushesSubnormals ? 2 ** -126 : 2 ** -149, create };
}

export function toCase({ name, body }: CaseDefinition, settings: Settings): ConformanceCase {
  return {
    name,
    run: () =>
      withBackend(settings.create, async (backend) => {
        try {
          await body(backend, settings);
        } catch (error) {
          if (error instanceof ConformanceError) throw error;
          throw new ConformanceError(name, `unexpected ${showError(error)}`, error);
        }
      }),
  };
}

/** Runs `body` on a new backend, optional kernels filled in, and disposes it whatever happens. */
export async function withBackend<T>(
  create: () => Promise<ComputeBackend>,
  body: (backend: CompleteBackend) => Promise<T>,
): Promise<T> {
  const backend = await create();
  try {
    return await body(completeBackend(backend));
  } finally {
    backend.dispose();
  }
}
