/** The controls at the foot of the call. */
import type { ComponentChildren } from "preact";
import { HeadphonesIcon, LeaveIcon, MicrophoneIcon, SlidersIcon } from "./icons";
import { Meter } from "./meter";
import type { PageModel, View } from "./view";

interface Props {
  readonly view: View;
  readonly model: PageModel;
}

export function Dock({ view, model }: Props) {
  const { actions } = model;
  const canSpeak = view.microphoneProblem === undefined && view.maySpeak;
  return (
    <section class="dock" aria-label="Call controls">
      <Control
        testId="mute-button"
        label={view.muted ? "Muted" : "Mute"}
        hint={canSpeak ? "M" : "No microphone"}
        pressed={view.muted}
        disabled={!canSpeak}
        shortcut="m"
        onClick={actions.toggleMuted}
      >
        <MicrophoneIcon off={view.muted || !canSpeak} />
        <Meter model={model} testId="level-meter" />
      </Control>
      <Control
        testId="deafen-button"
        label={view.deafened ? "Deafened" : "Deafen"}
        hint="D"
        pressed={view.deafened}
        shortcut="d"
        onClick={actions.toggleDeafened}
      >
        <HeadphonesIcon off={view.deafened} />
      </Control>
      <Control testId="settings-button" label="Sound" popup onClick={() => actions.openSettings(true)}>
        <SlidersIcon />
      </Control>
      <Control testId="leave-button" label="Leave" danger onClick={actions.leave}>
        <LeaveIcon />
      </Control>
    </section>
  );
}

interface ControlProps {
  readonly testId: string;
  readonly label: string;
  readonly hint?: string;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly shortcut?: string;
  readonly popup?: boolean;
  readonly danger?: boolean;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

function Control({ testId, label, hint, pressed, disabled, shortcut, popup, danger, onClick, children }: ControlProps) {
  return (
    <button
      type="button"
      class={danger ? "control danger" : "control"}
      data-testid={testId}
      title={hint === undefined ? label : `${label} (${hint})`}
      aria-pressed={pressed}
      aria-keyshortcuts={shortcut}
      aria-haspopup={popup ? "dialog" : undefined}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
      <span class="control-label">{label}</span>
    </button>
  );
}
