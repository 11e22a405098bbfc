/** The controls at the foot of the call. */
import type { ComponentChildren } from "preact";
import { HeadphonesIcon, LeaveIcon, MicrophoneIcon, SlidersIcon } from "./icons";
import { Meter } from "./meter";
import { canSpeak, type PageModel, type View } from "./view";

interface Props {
  readonly view: View;
  readonly model: PageModel;
}

export function Dock({ view, model }: Props) {
  const { actions } = model;
  const voice = canSpeak(view);
  return (
    <section class="dock" aria-label="Call controls">
      <Control
        testId="mute-button"
        name="Mute"
        shown={view.muted ? "Muted" : "Mute"}
        hint={voice ? "M" : "No microphone"}
        pressed={view.muted}
        disabled={!voice}
        shortcut="m"
        onClick={actions.toggleMuted}
      >
        <MicrophoneIcon off={view.muted || !voice} />
        <Meter model={model} testId="level-meter" decoration />
      </Control>
      <Control
        testId="deafen-button"
        name="Deafen"
        shown={view.deafened ? "Deafened" : "Deafen"}
        hint="D"
        pressed={view.deafened}
        shortcut="d"
        onClick={actions.toggleDeafened}
      >
        <HeadphonesIcon off={view.deafened} />
      </Control>
      <Control testId="settings-button" name="Sound" popup onClick={() => actions.openSettings(true)}>
        <SlidersIcon />
      </Control>
      <Control testId="leave-button" name="Leave" danger onClick={actions.leave}>
        <LeaveIcon />
      </Control>
    </section>
  );
}

interface ControlProps {
  readonly testId: string;
  /** What it is called, whatever its state: `pressed` tells that, and would be told twice by a name that changes. */
  readonly name: string;
  /** What is written on it, if that is not the name. */
  readonly shown?: string;
  readonly hint?: string;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly shortcut?: string;
  readonly popup?: boolean;
  readonly danger?: boolean;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

function Control(props: ControlProps) {
  const { testId, name, shown = name, hint, pressed, disabled, shortcut, popup, danger, onClick, children } = props;
  return (
    <button
      type="button"
      class={danger ? "control danger" : "control"}
      data-testid={testId}
      aria-label={name}
      title={hint === undefined ? name : `${name} (${hint})`}
      aria-pressed={pressed}
      aria-keyshortcuts={shortcut}
      aria-haspopup={popup ? "dialog" : undefined}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
      <span class="control-label">{shown}</span>
    </button>
  );
}
