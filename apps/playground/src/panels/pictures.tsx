import { useCallback, useEffect, useState } from "preact/hooks";
import type { Dataset } from "../data/dataset.js";
import { store } from "../state/store.js";
import { type Brush, Canvas } from "../views/canvas.js";

const SHOWN = 6;

/** Where rows are pictures: some of them, and what more and more of their codes stand for. */
export function PicturesPanel() {
  const dataset = store.dataset.value;
  const result = store.result.value;
  const selected = store.selected.value;
  const [first, setFirst] = useState(0);
  const image = dataset?.image;
  const rows = Array.from({ length: SHOWN }, (_, i) => (first + i) % (dataset?.rows.rows ?? 1));
  if (selected !== undefined) rows[0] = selected;
  const prefixes = result?.prefixes.slice(0, 4) ?? [];
  const wanted = `${rows.join()}/${prefixes.join()}`;
  useEffect(() => {
    if (!image || !result) return;
    for (const row of rows) for (const columns of prefixes) store.decode(row, columns);
  }, [wanted, result]);
  if (!image || !result || !dataset) return null;
  return (
    <section aria-labelledby="pictures-title">
      <h2 id="pictures-title">Reconstructions</h2>
      <div class="scroll">
        <table class="pictures">
          <thead>
            <tr>
              <th scope="col">row</th>
              {prefixes.map((columns) => (
                <th scope="col">{columns === 1 ? "1 code" : `${columns} codes`}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <td>
                  <Picture
                    dataset={dataset}
                    label={`Row ${row}`}
                    values={dataset.rows.data.subarray(
                      row * dataset.rows.cols,
                      (row + 1) * dataset.rows.cols,
                    )}
                  />
                </td>
                {prefixes.map((columns) => (
                  <td>
                    <Picture
                      dataset={dataset}
                      label={`Row ${row} from ${columns} codes`}
                      values={store.decoded.value.get(`${row}/${columns}`)}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" onClick={() => setFirst((first + SHOWN) % dataset.rows.rows)}>
        Others
      </button>
    </section>
  );
}

function Picture(props: {
  readonly dataset: Dataset;
  readonly label: string;
  readonly values: Float32Array | undefined;
}) {
  const { dataset, label, values } = props;
  const draw = useCallback(
    ({ context, width, height }: Brush) => {
      const { image } = dataset;
      if (!values || !image) return;
      const pixels = new ImageData(image.width, image.height);
      values.forEach((value, i) => {
        const shade = Math.max(0, Math.min(255, (255 * value) / image.white));
        pixels.data.set([shade, shade, shade, 255], 4 * i);
      });
      const small = new OffscreenCanvas(image.width, image.height);
      small.getContext("2d")!.putImageData(pixels, 0, 0);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, width, height);
    },
    [dataset, values],
  );
  return <Canvas label={label} draw={draw} />;
}
