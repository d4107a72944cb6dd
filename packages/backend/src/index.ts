export type { Work } from "./by-size.js";
export { type DeviceEncoder, encodeOnDevice } from "./encode.js";
export {
  BACKEND_NAMES,
  type BackendName,
  defaultBackend,
  pickBackend,
  type PickOptions,
  resolveBackend,
} from "./pick.js";
