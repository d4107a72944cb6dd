import type * as TfWebGpu from "@tensorflow/tfjs-backend-webgpu";
import type * as Tf from "@tensorflow/tfjs-core";
import { ArgumentError, BackendError, sizeOf, type Tensor } from "@tessera/core";
import type { WebGpuBackend } from "../backend.js";
import { provideGlobals, withNavigator } from "./globals.js";

/** A TensorFlow.js backend on the device of a Tessera backend: both use one another's tensors without copying them. */
export interface TfjsShare {
  /** What `tf.setBackend()` takes. */
  readonly name: string;
  /**
   * The tensor for TensorFlow.js. It shares the storage, which lives until both are disposed; a tensor that does not begin
   * where its storage begins (a slice) is copied on the GPU. TensorFlow.js does not learn of faulty data: `read()` one
   * tensor of those that hang together first.
   */
  toTfjs(tensor: Tensor<"float32" | "int32">): Tf.Tensor;
  /**
   * The tensor for Tessera, of type float32 or int32. It shares the storage, which lives until both are disposed. The
   * tensor must be on this TensorFlow.js backend.
   */
  fromTfjs(tensor: Tf.Tensor): Tensor<"float32" | "int32">;
  /** Removes the TensorFlow.js backend and its tensors. */
  dispose(): void;
}

let shares = 0;

/**
 * Registers TensorFlow.js's WebGPU backend on the device of this one.
 *
 * Needs `@tensorflow/tfjs-core` and `@tensorflow/tfjs-backend-webgpu` 4.22.
 *
 * @throws {BackendError} if they are not installed
 */
export async function shareWithTfjs(backend: WebGpuBackend): Promise<TfjsShare> {
  await provideGlobals();
  const [tf, { WebGPUBackend }] = await loadTfjs();

  /** Tells when TensorFlow.js needs a buffer of ours no more. */
  class SharingBackend extends WebGPUBackend {
    readonly holds = new Map<object, () => void>();

    /** Submits what is recorded; `submitQueue()` alone needs an encoder and no open pass. */
    flush(): void {
      this.ensureCommandEncoderReady();
      this.endComputePassEncoder();
      this.submitQueue();
    }

    /** TensorFlow.js takes all that a buffer has for values; ours may be larger than their tensor. */
    override async read(dataId: object): Promise<Tf.BackendValues> {
      const data = this.tensorMap.get(dataId);
      const values = await super.read(dataId);
      const size = sizeOf(data.shape);
      if (values.length === size || Array.isArray(values)) return values;
      data.values = values.slice(0, size);
      return data.values;
    }

    override disposeData(dataId: object, force = false): boolean {
      const gone = super.disposeData(dataId, force);
      const release = gone ? this.holds.get(dataId) : undefined;
      if (release) {
        this.holds.delete(dataId);
        // What it has recorded may still read the buffer.
        this.flush();
        release();
      }
      return gone;
    }
  }

  const name = `tessera-webgpu-${++shares}`;
  const sharing = withNavigator(() => new SharingBackend(backend.gpu, backend.gpu.adapterInfo));
  tf.registerBackend(name, () => sharing);
  tf.copyRegisteredKernels("webgpu", name);
  // Made now, so that the two can exchange tensors whatever backend is current.
  tf.findBackend(name);

  return {
    name,
    toTfjs(tensor) {
      const { buffer, release } = backend.lend(tensor);
      const shape = [...tensor.shape];
      const webGPUData = { buffer, zeroCopy: true } as const;
      const result = sharing.createTensorFromGPUData(webGPUData, shape, tensor.dtype);
      sharing.holds.set(result.dataId, release);
      return result;
    },
    fromTfjs(tensor) {
      const { dtype } = tensor;
      if (dtype !== "float32" && dtype !== "int32") {
        throw new ArgumentError(`the TensorFlow.js tensor holds ${dtype} elements`, {
          hint: "cast() it to float32 or int32",
        });
      }
      if (!sharing.tensorMap.has(tensor.dataId)) {
        throw new ArgumentError("the TensorFlow.js tensor is not on the backend that is shared", {
          hint: `make it after tf.setBackend("${name}")`,
        });
      }
      sharing.uploadToGPU(tensor.dataId);
      sharing.flush();
      const buffer = sharing.tensorMap.get(tensor.dataId).resource as GPUBuffer;
      const kept = tf.keep(tensor.clone());
      return backend.adopt(buffer, dtype, tensor.shape, () => kept.dispose());
    },
    dispose() {
      sharing.flush();
      for (const release of sharing.holds.values()) release();
      sharing.holds.clear();
      tf.removeBackend(name);
    },
  };
}

async function loadTfjs(): Promise<[typeof Tf, typeof TfWebGpu]> {
  try {
    return [await import("@tensorflow/tfjs-core"), await import("@tensorflow/tfjs-backend-webgpu")];
  } catch (error) {
    throw new BackendError("TensorFlow.js does not load", {
      hint: "npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-webgpu@4.22.0",
      cause: error,
    });
  }
}
