/**
 * When a person spoke in the last seconds, as notes on one line that moves to the left: now is at the right end.
 * Decoration; the words beside the name say the same to those who do not see it.
 */
import { useEffect, useRef } from "preact/hooks";
import { everyFrame } from "./frames";
import { HISTORY_MS, type SpeakingHistory } from "./history";

const NOTE_HEIGHT = 6;
/** The shortest note that is still seen, in px. */
const SHORTEST_NOTE = 6;

interface Props {
  readonly userId: bigint;
  readonly history: SpeakingHistory;
}

export function Trace({ userId, history }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(
    () =>
      everyFrame((now) => {
        if (canvas.current !== null) draw(canvas.current, history, userId, now);
      }),
    [userId, history],
  );
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas without tabindex takes no focus
  return <canvas ref={canvas} class="trace" aria-hidden="true" />;
}

function draw(canvas: HTMLCanvasElement, history: SpeakingHistory, userId: bigint, now: number): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  context.beginPath();
  for (const { start, end } of history.stretches(userId, now)) {
    const right = width * (1 - (now - (end ?? now)) / HISTORY_MS);
    const length = Math.max(SHORTEST_NOTE, (width * ((end ?? now) - start)) / HISTORY_MS);
    context.roundRect(right - length, (height - NOTE_HEIGHT) / 2, length, NOTE_HEIGHT, NOTE_HEIGHT / 2);
  }
  context.fill();
}
