import { type Html, html } from "../report/html.js";
import { document } from "../report/page.js";
import { duration, figure, grouped, percent } from "../text.js";
import type { RunRecord } from "./record.js";
import { trainingSections } from "./sections.js";

/** The report of a training run as one HTML file, which loads nothing and runs nothing. */
export function renderTrainingReport(record: RunRecord): string {
  const { spec } = record.facts;
  return document(`Training of ${spec}`, html`${header(record)}${trainingSections(record)}`);
}

function header({ facts, taken, reviews, seconds }: RunRecord): Html {
  const { rows, dimension, settings, spec, streamed } = facts;
  const last = reviews.at(-1);
  const total = settings.pretraining + settings.steps;
  const figures: readonly (readonly [string, string, string])[] = [
    ["Rows", grouped(rows), `${grouped(dimension)} values each${streamed ? ", streamed" : ""}`],
    [
      "Steps",
      grouped(taken),
      taken < total ? `of ${grouped(total)}` : `batches of ${grouped(settings.batchSize)}`,
    ],
    ...(last === undefined
      ? []
      : ([
          [
            "Distortion",
            percent(last.relativeDistortion),
            last.heldOut
              ? `of the variance; ${percent(last.heldOut.relativeDistortion)} held out`
              : "of the variance",
          ],
          ["Distinct codes", percent(last.distinct), "of the rows"],
          [
            "Codewords in use",
            percent(Math.min(...last.levels.map(({ usage }) => usage))),
            "of the level with the fewest",
          ],
        ] as const)),
    ["Time", duration(seconds), `${figure(taken / Math.max(seconds, 1e-3))} steps/s`],
  ];
  return html`<h1>Training of an autoencoder</h1>
    <span class="chip code">${spec}</span>
    <dl class="facts">
      ${figures.map(
        ([name, value, note]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}<small>${note}</small></dd>
          </div>`,
      )}
    </dl>`;
}
