import type { Fitted } from "./fitted.js";
import type { Answer, Reply, Request } from "./protocol.js";
import { failureOf, Run } from "./run.js";
import { startBackend } from "./start-backend.js";

let current: { readonly id: number; readonly run: Run } | undefined;

addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") {
    current?.run.gate.stop();
    const { run: id, options, paused } = data;
    const run = new Run(options, (answer) => postMessage({ ...answer, run: id }), paused);
    current = { id, run };
    return;
  }
  if (data.kind === "layOut") return void layOut(data);
  if (current?.id !== data.run) return;
  const { gate, fitted } = current.run;
  switch (data.kind) {
    case "pause":
    case "resume":
    case "step":
    case "stop":
      gate[data.kind]();
      break;
    default:
      void answer(data, fitted);
  }
});

async function answer(
  request: Extract<Request, { kind: "view" | "decode" | "neighbours" }>,
  fitting: Promise<Fitted | undefined>,
): Promise<void> {
  const { run } = request;
  const send = (reply: Reply): void => postMessage(reply);
  try {
    const fitted = await fitting;
    if (!fitted) return;
    switch (request.kind) {
      case "view":
        return send({ run, kind: "view", view: await fitted.view(request.term) });
      case "decode": {
        const { row, columns } = request;
        return send({
          run,
          kind: "decoded",
          row,
          columns,
          values: await fitted.decode(columns, row),
        });
      }
      case "neighbours": {
        const { row } = request;
        return send({ run, kind: "neighbours", row, ...(await fitted.neighbours(row)) });
      }
    }
  } catch (error) {
    send({ run, kind: "failed", failure: failureOf(error) });
  }
}

async function layOut({ run, rows }: Extract<Request, { kind: "layOut" }>): Promise<void> {
  const send = (answer: Answer): void => postMessage({ ...answer, run });
  try {
    const [umap, backend] = await Promise.all([import("./umap.js"), startBackend("wasm-1")]);
    const layout = await umap.layOut(backend, rows, (sofar) =>
      send({ kind: "layout", layout: sofar }),
    );
    send({ kind: "layout", layout });
  } catch (error) {
    send({ kind: "failed", failure: failureOf(error) });
  }
}
