import { useEffect, useRef } from "preact/hooks";

export interface Brush {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** The value of a style's variable, such as `ink`. */
  readonly colour: (name: string) => string;
}

/** A picture that is drawn anew when it, its size or the colour scheme changes, in the screen's own pixels. */
export function Canvas(props: {
  readonly label: string;
  readonly draw: (brush: Brush) => void;
  readonly onPoint?: (x: number, y: number, pressed: boolean) => void;
  readonly onLeave?: () => void;
}) {
  const { label, draw, onPoint, onLeave } = props;
  const element = useRef<HTMLCanvasElement>(null);
  const paint = useRef(draw);
  paint.current = draw;
  const redraw = useRef(() => undefined as void);
  useEffect(() => {
    const canvas = element.current!;
    redraw.current = () => {
      const { width, height } = canvas.getBoundingClientRect();
      const context = canvas.getContext("2d");
      if (!context || width === 0) return;
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
      context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      const style = getComputedStyle(canvas);
      const colour = (name: string): string => style.getPropertyValue(`--${name}`);
      paint.current({ context, width, height, colour });
    };
    const observer = new ResizeObserver(() => redraw.current());
    observer.observe(canvas);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const onScheme = (): void => redraw.current();
    scheme.addEventListener("change", onScheme);
    return () => {
      observer.disconnect();
      scheme.removeEventListener("change", onScheme);
    };
  }, []);
  useEffect(() => redraw.current(), [draw]);
  const point = (event: PointerEvent, pressed: boolean): void => {
    const { left, top } = element.current!.getBoundingClientRect();
    onPoint?.(event.clientX - left, event.clientY - top, pressed);
  };
  return (
    <canvas
      ref={element}
      role="img"
      aria-label={label}
      onPointerMove={(event) => point(event, false)}
      onPointerDown={(event) => point(event, true)}
      onPointerLeave={onLeave}
    />
  );
}
