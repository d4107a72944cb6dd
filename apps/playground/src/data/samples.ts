import type { SampleName } from "../state/settings.js";
import { decodeVectors } from "@tessera/io";
import type { Dataset } from "./dataset.js";

const TITLES: Readonly<Record<SampleName, string>> = {
  emoji: "1914 emoji, embedded by name and keywords",
  words: "3000 English words, GloVe",
  digits: "2000 handwritten digits",
};

/** A sample that comes with the page. */
export async function loadSample(name: SampleName, signal: AbortSignal): Promise<Dataset> {
  const base = new URL(`${import.meta.env.BASE_URL}data/`, location.href);
  const [bytes, about] = await Promise.all([
    fetchOk(new URL(`${name}.npy`, base), signal).then((response) => response.arrayBuffer()),
    fetchOk(new URL(`${name}.json`, base), signal).then((response) => response.json()),
  ]);
  const rows = await decodeVectors(new Uint8Array(bytes), `${name}.npy`);
  const { labels, groups } = about as Pick<Dataset, "labels" | "groups">;
  return {
    title: TITLES[name],
    rows,
    labels,
    groups,
    ...(name === "digits" && { image: { width: 28, height: 28, white: 255 } }),
  };
}

async function fetchOk(url: URL, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url.pathname} is not there (${response.status})`);
  return response;
}
