/** One clock for everything that moves: all drawings of a page share one animation frame. */

/** Enough for a slow drawing, and half of what a screen asks for. */
const INTERVAL_MS = 33;
/** For those who asked for less motion: steps instead of a flow. */
const REDUCED_INTERVAL_MS = 1_000;

const painters = new Set<(now: number) => void>();
let scheduled = false;
let painted = Number.NEGATIVE_INFINITY;

function reducedMotion(): boolean {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function schedule(): void {
  if (scheduled || painters.size === 0) return;
  scheduled = true;
  requestAnimationFrame(tick);
}

function tick(now: number): void {
  scheduled = false;
  schedule();
  if (now - painted < (reducedMotion() ? REDUCED_INTERVAL_MS : INTERVAL_MS)) return;
  painted = now;
  for (const paint of painters) paint(now);
}

/** Calls `paint` with `performance.now()` about 30 times a second while the page is seen, until the result is called. */
export function everyFrame(paint: (now: number) => void): () => void {
  painters.add(paint);
  paint(performance.now());
  schedule();
  return () => {
    painters.delete(paint);
  };
}
