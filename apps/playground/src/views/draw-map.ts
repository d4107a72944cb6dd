import { Delaunay } from "d3-delaunay";
import type { View } from "../engine/protocol.js";
import type { Brush } from "./canvas.js";
import { type Frame, frameOf } from "./frame.js";

export const HUES = 9;
/** More regions than this are a mesh. */
const MOST_CELLS = 300;

/** Draws a view: cells where the plane is the whole space, points by code, codewords, dead ones hollow. */
export function drawMap(
  { context, width, height, colour }: Brush,
  view: View,
  marked: ReadonlySet<number>,
): void {
  const frame = frameOf(view.points, width, height);
  const hues = Array.from({ length: HUES }, (_, i) => colour(`hue${i}`));
  context.clearRect(0, 0, width, height);
  const cells = view.codewords.length / 2;
  if (view.exact && cells > 0 && cells <= MOST_CELLS)
    drawCells(context, view, frame, hues, colour("line"));
  const unit = unitOf(width, height);
  const radius = (view.points.length > 3000 ? 1.8 : 2.4) * unit;
  context.globalAlpha = 0.75;
  for (let i = 0; i < view.points.length / 2; i++) {
    context.fillStyle = hues[view.codes[i]! % HUES]!;
    circle(context, frame.x(view.points[2 * i]!), frame.y(view.points[2 * i + 1]!), radius);
    context.fill();
  }
  context.globalAlpha = 1;
  drawCodewords(context, view, frame, unit, hues, colour("card"), colour("ink"));
  context.lineWidth = 2 * unit;
  context.strokeStyle = colour("ink");
  view.rows.forEach((row, i) => {
    if (!marked.has(row)) return;
    circle(context, frame.x(view.points[2 * i]!), frame.y(view.points[2 * i + 1]!), 6 * unit);
    context.stroke();
  });
}

/** The plane with points alone, before there are codes. */
export function drawPoints(brush: Brush, points: Float32Array): void {
  const { context, width, height, colour } = brush;
  const frame = frameOf(points, width, height);
  context.clearRect(0, 0, width, height);
  context.fillStyle = colour("soft");
  context.globalAlpha = 0.6;
  for (let i = 0; i < points.length; i += 2) {
    circle(context, frame.x(points[i]!), frame.y(points[i + 1]!), 2 * unitOf(width, height));
    context.fill();
  }
  context.globalAlpha = 1;
}

/** Pixels of what is drawn grow with the canvas, beyond the size of a usual one. */
function unitOf(width: number, height: number): number {
  return Math.max(1, Math.min(width, height) / 600);
}

function drawCells(
  context: CanvasRenderingContext2D,
  view: View,
  frame: Frame,
  hues: readonly string[],
  line: string,
): void {
  const places: [number, number][] = [];
  for (let k = 0; k < view.codewords.length; k += 2) {
    places.push([frame.x(view.codewords[k]!), frame.y(view.codewords[k + 1]!)]);
  }
  const voronoi = Delaunay.from(places).voronoi([...frame.bounds]);
  places.forEach((_, k) => {
    context.beginPath();
    voronoi.renderCell(k, context);
    context.fillStyle = hues[k % HUES]!;
    context.globalAlpha = 0.1;
    context.fill();
    context.globalAlpha = 1;
  });
  context.beginPath();
  voronoi.render(context);
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.stroke();
}

function drawCodewords(
  context: CanvasRenderingContext2D,
  view: View,
  frame: Frame,
  unit: number,
  hues: readonly string[],
  paper: string,
  ink: string,
): void {
  for (let k = 0; k < view.codewords.length / 2; k++) {
    const [x, y] = [frame.x(view.codewords[2 * k]!), frame.y(view.codewords[2 * k + 1]!)];
    const dead = view.counts[k] === 0;
    circle(context, x, y, (view.codewords.length > 200 ? 3 : 5) * unit);
    context.fillStyle = dead ? paper : hues[k % HUES]!;
    context.fill();
    context.lineWidth = 1.5 * unit;
    context.strokeStyle = ink;
    context.setLineDash(dead ? [2, 2] : []);
    context.stroke();
    context.setLineDash([]);
  }
}

function circle(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}
