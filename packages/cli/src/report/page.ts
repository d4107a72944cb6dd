import { bytes, figure, grouped, percent } from "../text.js";
import { collisionSection } from "./collisions.js";
import type { ReportData } from "./data.js";
import { distortionSection } from "./distortion.js";
import { type Html, html } from "./html.js";
import { mapSection } from "./map.js";
import { puritySection } from "./purity.js";
import { STYLE } from "./style.js";
import { trainingSections } from "../training-report/sections.js";
import { treeSection } from "./tree.js";
import { usageSection } from "./usage.js";

/** The report as one HTML file, which loads nothing and runs nothing. */
export function renderReport(data: ReportData): string {
  return document(
    `Semantic IDs of ${data.source} · ${data.spec}`,
    html`${header(data)} ${distortionSection(data)} ${usageSection(data)} ${collisionSection(data)}
    ${data.groups === undefined ? undefined : puritySection(data.groups)} ${mapSection(data)}
    ${treeSection(data)} ${data.training && trainingSections(data.training)} ${reproduction(data)}`,
  );
}

/** A page of its own, in the style of all reports. */
export function document(title: string, content: Html): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'"
        />
        <title>${title}</title>
        ${STYLE}
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html>`;
  // Template indentation is for the eyes of whoever edits it, and would be a third of the file.
  return page.markup.replaceAll(/\s*\n\s*/g, "\n").replaceAll("\n>", ">");
}

function header(data: ReportData): Html {
  const { analysis, distortion, ids } = data;
  const raw = data.dimension * 4;
  const coded = data.bits / 8;
  const facts: readonly (readonly [string, string, string])[] = [
    ["Items", grouped(analysis.rows), `${grouped(data.dimension)} values each`],
    [
      "Bits per item",
      String(data.bits),
      `${bytes(raw)} to ${coded} B: ${figure(raw / coded)} × smaller`,
    ],
    [
      "Distortion",
      figure(distortion.distortion),
      `${percent(distortion.relativeDistortion)} of the variance`,
    ],
    [
      "Collision rate",
      percent(analysis.collisionRate),
      `largest group ${grouped(analysis.largestGroup)}`,
    ],
    [
      "Distinct codes",
      grouped(analysis.distinct),
      ids.collisions === "keep" ? "IDs may be shared" : "IDs are unique",
    ],
  ];
  return html`<h1>Semantic IDs of ${data.source}</h1>
    <span class="chip code">${data.spec}</span>
    <dl class="facts">
      ${facts.map(
        ([name, value, note]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}<small>${note}</small></dd>
          </div>`,
      )}
    </dl>`;
}

function reproduction({ command, facts }: ReportData): Html {
  return html`<section>
    <h2>Reproduce</h2>
    <pre>${command}</pre>
    <table>
      ${facts.map(
        ([name, value]) =>
          html`<tr>
            <th>${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </table>
  </section>`;
}
