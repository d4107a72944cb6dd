import { type Dataset, labelOf } from "../data/dataset.js";
import type { View } from "../engine/protocol.js";
import { store } from "../state/store.js";
import { percent } from "../views/text.js";

const MOST_SHOWN = 16;
const EXAMPLES = 4;

/** What the map shows, in words: the codes of a finished run, those with most rows first. */
export function Codewords({ view, dataset }: { readonly view: View; readonly dataset: Dataset }) {
  const result = store.result.value;
  // Of all codes together, the tree says it better.
  if (!result || view.term === undefined || view.term >= (result.terms.length || Infinity))
    return null;
  const order = [...view.counts.keys()].sort((a, b) => view.counts[b]! - view.counts[a]! || a - b);
  const used = order.filter((code) => view.counts[code]! > 0);
  const shown = used.slice(0, MOST_SHOWN);
  const rest = used.length - shown.length;
  const unused = order.length - used.length;
  return (
    <details>
      <summary>The same as a table</summary>
      <div class="scroll" tabIndex={0} role="group" aria-label="Codes of the map">
        <table>
          <thead>
            <tr>
              <th scope="col">code</th>
              <th scope="col">rows</th>
              <th scope="col">share</th>
              <th scope="col">some of them</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((code) => (
              <tr>
                <td>
                  <i class={`swatch hue${code % 9}`} />
                  {code}
                </td>
                <td>{view.counts[code]}</td>
                <td>{percent(view.counts[code]! / result.rows)}</td>
                <td>
                  {examplesOf(view, code)
                    .map((row) => labelOf(dataset, row))
                    .join(", ")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        {rest > 0 && `${rest} more have fewer rows. `}
        {unused > 0 ? `${unused} have none.` : "All are in use."}
      </p>
    </details>
  );
}

/** Some of the rows drawn that have a code. */
function examplesOf({ codes, rows }: View, code: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < codes.length && found.length < EXAMPLES; i++) {
    if (codes[i] === code) found.push(rows[i]!);
  }
  return found;
}
