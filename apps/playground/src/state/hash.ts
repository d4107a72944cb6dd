import {
  BACKENDS,
  DEFAULTS,
  EMBEDS,
  type LIMITS,
  MAPS,
  SAMPLES,
  type Settings,
  SHAPES,
  SPEEDS,
  within,
} from "./settings.js";

/** In the order in which the address has them. The first four are always there, so that an address can be read. */
const KEYS = Object.keys(DEFAULTS) as (keyof Settings)[];
const ALWAYS: ReadonlySet<keyof Settings> = new Set(["data", "spec", "seed"] as const);

/** The part of the address after `#`. A visitor's own data is not in it, only that there was some. */
export function hashOf(settings: Settings): string {
  const entries = KEYS.filter((key) => ALWAYS.has(key) || settings[key] !== DEFAULTS[key]).map(
    (key) => [key, String(settings[key])] as const,
  );
  // What a spec is written in may stand in an address as it is, which keeps it legible.
  return entries
    .map(
      ([key, value]) =>
        `${key}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%2B", "+").replaceAll("%3E", ">").replaceAll("%3D", "=")}`,
    )
    .join("&");
}

/** Settings from an address. What it does not say, or says wrongly, is at its default. */
export function settingsFrom(hash: string): Settings {
  const given = new Map(
    hash
      .replace(/^#/, "")
      .split("&")
      .map((pair) => {
        const at = pair.indexOf("=");
        return [pair.slice(0, at), decode(pair.slice(at + 1))] as const;
      }),
  );
  const choice = <T extends string>(key: string, choices: readonly T[], usual: T): T =>
    choices.find((each) => each === given.get(key)) ?? usual;
  const number = (key: keyof typeof LIMITS): number => {
    const text = given.get(key);
    return (text ? within(key, Number(text)) : undefined) ?? DEFAULTS[key];
  };
  return {
    data: choice("data", [...SHAPES, ...SAMPLES, "file" as const], DEFAULTS.data),
    points: number("points"),
    spec: given.get("spec") || DEFAULTS.spec,
    seed: number("seed"),
    iterations: number("iterations"),
    steps: number("steps"),
    pretraining: number("pretraining"),
    batchSize: number("batchSize"),
    learningRate: number("learningRate"),
    separation: number("separation"),
    backend: choice("backend", BACKENDS, DEFAULTS.backend),
    speed: choice("speed", SPEEDS, DEFAULTS.speed),
    level: number("level"),
    map: choice("map", MAPS, DEFAULTS.map),
    embed: choice("embed", EMBEDS, DEFAULTS.embed),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
