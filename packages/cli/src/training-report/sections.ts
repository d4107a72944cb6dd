import { DEFAULT_SETTINGS } from "@tessera/rqvae";
import { type Html, html } from "../report/html.js";
import { duration, figure, grouped, percent } from "../text.js";
import { chart, type Chart, type Point } from "./chart.js";
import type { ReviewEvent, RunRecord } from "./record.js";

/** How a training run went: losses, distortion, codebooks, settings. */
export function trainingSections(record: RunRecord): Html {
  return html`${collapseSection(record)}${lossSection(record)}${distortionSection(record)}${codebookSection(record)}${settingsSection(record)}`;
}

type Drawn = Omit<Chart, "steps" | "mark">;

/** A chart over all steps of the run, with the start of the codebooks marked. */
function over({ facts, taken }: RunRecord, drawn: Drawn, marked = true): Html {
  const { pretraining } = facts.settings;
  const mark =
    marked && pretraining > 0 && pretraining < taken
      ? { step: pretraining, name: "codebooks start" }
      : undefined;
  return chart({ ...drawn, steps: taken, mark });
}

function lossSection(record: RunRecord): Html {
  const { steps, facts } = record;
  const started = steps.filter(({ step }) => step > facts.settings.pretraining);
  return html`<section>
    <h2>Losses</h2>
    <p>Of single batches; each point is the mean of some steps.</p>
    <div class="charts">
      ${over(record, {
        title: "Reconstruction",
        note: "of the batch, as weighted in the loss",
        series: [
          {
            name: "reconstruction",
            points: steps.map(({ step, reconstruction }) => [step, reconstruction]),
          },
        ],
        log: true,
        format: figure,
      })}
      ${over(record, {
        title: "Quantization",
        note: "squared distance from latents to codewords, all levels",
        series: [
          {
            name: "quantization",
            points: started.map(({ step, quantization }) => [step, quantization]),
          },
        ],
        log: true,
        format: figure,
      })}
      ${over(
        record,
        {
          title: "Learning rate",
          note: facts.settings.schedule,
          series: [
            {
              name: "learning rate",
              points: steps.map(({ step, learningRate }) => [step, learningRate]),
            },
          ],
          format: (value) => (value === 0 ? "0" : value.toExponential(1)),
        },
        false,
      )}
    </div>
  </section>`;
}

function distortionSection(record: RunRecord): Html {
  const { reviews, facts } = record;
  if (reviews.length === 0) return html``;
  const heldOut = (of: (health: NonNullable<ReviewEvent["heldOut"]>) => number): Point[] =>
    reviews.flatMap((review) =>
      review.heldOut ? [[review.step, of(review.heldOut)] as const] : [],
    );
  const both = (own: (review: ReviewEvent) => number, held: readonly Point[]) => [
    {
      name: facts.streamed ? "sample of rows trained on" : "rows trained on",
      points: reviews.map((review): Point => [review.step, own(review)]),
    },
    ...(held.length === 0 ? [] : [{ name: "rows held out", points: held }]),
  ];
  const judged = reviews.some(({ heldOut: health }) => health);
  return html`<section>
    <h2>What the codes keep</h2>
    <p>
      At each review, of
      ${facts.streamed ? `a sample of ${grouped(facts.reviewed)} rows` : "all rows trained on"}: the
      error of what codes decode to, as a share of the rows' variance, and how many different codes
      there are, as a share of the rows.
      ${
        judged
          ? "Of rows held out as well; the last point is the state that is kept, the best of those."
          : ""
      }
    </p>
    <div class="charts">
      ${over(record, {
        title: "Distortion",
        note: "share of the variance; less is better",
        series: both(
          ({ relativeDistortion }) => relativeDistortion,
          heldOut(({ relativeDistortion }) => relativeDistortion),
        ),
        log: true,
        format: percent,
      })}
      ${over(record, {
        title: "Distinct codes",
        note: "share of the rows; more is better",
        series: both(
          ({ distinct }) => distinct,
          heldOut(({ distinct }) => distinct),
        ),
        low: 1,
        format: percent,
      })}
    </div>
  </section>`;
}

function codebookSection(record: RunRecord): Html {
  const { reviews } = record;
  if (reviews.length === 0) return html``;
  const levels = reviews[0]!.levels.length;
  const each = (of: (level: ReviewEvent["levels"][number]) => number) =>
    Array.from({ length: levels }, (_, l) => ({
      name: `level ${l + 1}`,
      points: reviews.map((review): Point => [review.step, of(review.levels[l]!)]),
    }));
  return html`<section>
    <h2>Codebooks by level</h2>
    <p>
      Perplexity is as many evenly used codewords as would be as even. Dead codewords are those of
      no row; a review replaces them. Residual energy is what the levels up to this one leave of the
      latents' variance.
    </p>
    <div class="charts">
      ${over(record, { title: "Codewords in use", note: "share", series: each(({ usage }) => usage), high: 1, format: percent })}
      ${over(record, { title: "Perplexity", note: "codewords", series: each(({ perplexity }) => perplexity), format: figure })}
      ${over(record, { title: "Dead codewords", note: "before they are replaced", series: each(({ dead }) => dead), high: 4, format: grouped })}
      ${over(record, { title: "Residual energy", note: "share of the latents' variance", series: each(({ residualEnergy }) => residualEnergy), log: true, format: percent })}
    </div>
  </section>`;
}

function collapseSection({ collapse }: RunRecord): Html {
  if (collapse === undefined) return html``;
  return html`<section>
    <h2>Codebooks collapsed</h2>
    <p>At step ${grouped(collapse.step)}: ${collapse.message}. ${collapse.remedy}.</p>
  </section>`;
}

function settingsSection({ facts, seconds, taken, resumed }: RunRecord): Html {
  const usual = DEFAULT_SETTINGS as unknown as Readonly<Record<string, unknown>>;
  const names = Object.keys(usual);
  const given = facts.settings as unknown as Readonly<Record<string, unknown>>;
  const changed = names.filter(
    (name) => JSON.stringify(given[name]) !== JSON.stringify(usual[name]),
  );
  const text = (value: unknown): string => {
    if (value === undefined || value === null) return "none";
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  const row = (name: string): Html =>
    html`<tr>
      <th scope="row">${name}</th>
      <td>
        ${text(given[name])}${changed.includes(name) ? ` (default ${text(usual[name])})` : ""}
      </td>
    </tr>`;
  const run: readonly (readonly [string, string])[] = [
    ["values learned", grouped(facts.parameters)],
    ["time", `${duration(seconds)}, ${figure(taken / Math.max(seconds, 1e-3))} steps/s`],
    ...(resumed === 0 ? [] : [["went on from a checkpoint", `${resumed} ×`] as const]),
  ];
  return html`<section>
    <h2>Settings</h2>
    <table>
      ${run.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
      ${changed.map(row)}
    </table>
    <details class="all">
      <summary>Settings at their defaults</summary>
      <table>
        ${names.filter((name) => !changed.includes(name)).map(row)}
      </table>
    </details>
  </section>`;
}
