import { useCallback, useEffect, useState } from "preact/hooks";
import { type Dataset, labelOf } from "../data/dataset.js";
import { store } from "../state/store.js";
import { About } from "../views/about.js";
import { type Brush, Canvas } from "../views/canvas.js";

const SHOWN = 10;

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
      <About guide="from-vq-to-rqvae.html#residual-quantization" topic="residual quantization">
        Rows, and what their codes stand for: each further code adds detail.
      </About>
      <div class="scroll" tabIndex={0} role="group" aria-labelledby="pictures-title">
        <table class="pictures">
          <tbody>
            <tr>
              <th scope="row">rows</th>
              {rows.map((row) => (
                <td>
                  <Picture
                    dataset={dataset}
                    label={`Row ${row}, ${labelOf(dataset, row)}`}
                    values={dataset.rows.data.subarray(
                      row * dataset.rows.cols,
                      (row + 1) * dataset.rows.cols,
                    )}
                  />
                </td>
              ))}
            </tr>
            {prefixes.map((columns) => (
              <tr>
                <th scope="row">{columns === 1 ? "1 code" : `${columns} codes`}</th>
                {rows.map((row) => (
                  <td>
                    <Picture
                      dataset={dataset}
                      label={`Row ${row} from ${columns === 1 ? "1 code" : `${columns} codes`}`}
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
        Other rows
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
