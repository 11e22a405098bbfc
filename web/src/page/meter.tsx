/** The own microphone's level. */
import { useEffect, useRef } from "preact/hooks";
import { meterShare } from "../voice";
import { everyFrame } from "./frames";
import type { PageModel } from "./view";

/** How fast the bar falls back, as a share of its length a frame: it rises at once, so that every syllable shows. */
const FALL = 0.06;

interface Props {
  readonly model: PageModel;
  readonly testId: string;
  /** It is only to be seen: within a button it would become a part of the button's name. */
  readonly decoration?: boolean;
}

export function Meter({ model, testId, decoration = false }: Props) {
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let shown = 0;
    return everyFrame(() => {
      shown = Math.max(meterShare(model.level()), shown - FALL);
      bar.current?.style.setProperty("--level", shown.toFixed(3));
      bar.current?.setAttribute("aria-valuenow", String(Math.round(shown * 100)));
    });
  }, [model]);
  return (
    <span
      ref={bar}
      class="meter"
      role="meter"
      aria-label="Microphone level"
      aria-hidden={decoration ? "true" : undefined}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
      data-testid={testId}
    />
  );
}
