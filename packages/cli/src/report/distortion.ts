import { figure, percent } from "../text.js";
import type { ReportData } from "./data.js";
import { type Html, html } from "./html.js";

/** What is left to explain after each level, from the variance of the rows down. */
export function distortionSection({ distortion, spec }: ReportData): Html {
  const { distortionPerLevel, totalVariance } = distortion;
  const steps = [totalVariance, ...distortionPerLevel];
  const share = (value: number) => (totalVariance === 0 ? 0 : value / totalVariance);
  return html`<section>
    <h2>Distortion by level</h2>
    <p>
      Mean squared error of a row when its first codes are decoded by <code>${spec}</code>; each
      level explains a part of what the levels before it left over. 100 % is the error of answering
      every row with the mean.
    </p>
    <div class="bars">
      ${steps.map(
        (value, level) =>
          html`<span>${level === 0 ? "no code" : `level ${level}`}</span>${bar(share(value))}
            <span class="value">${figure(value)} <small>${percent(share(value))}</small></span>`,
      )}
    </div>
  </section>`;
}

/** A horizontal bar of this share, with a mark at another. */
export function bar(share: number, mark?: number): Html {
  const width = (value: number) => (100 * Math.min(1, Math.max(0, value))).toFixed(1);
  return html`<span class="track"
    ><i style="width:${width(share)}%"></i>${
      mark === undefined ? undefined : html`<b style="left:${width(mark)}%"></b>`
    }</span
  >`;
}
