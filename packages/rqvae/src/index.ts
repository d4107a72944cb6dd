export { DEFAULT_SETTINGS, type TrainingSettings } from "./settings.js";
