/** Microphone and speaker. A modal dialog: the browser keeps the focus inside and closes it with Escape. */
import { useEffect, useRef } from "preact/hooks";
import type { AudioDevice } from "../voice";
import { Meter } from "./meter";
import type { PageModel, View } from "./view";

interface Props {
  readonly view: View;
  readonly model: PageModel;
}

export function Settings({ view, model }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (view.settingsOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [view.settingsOpen]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the dialog closes it; for the keyboard, Escape does
    <dialog
      ref={dialog}
      class="settings"
      aria-labelledby="settings-title"
      data-testid="settings"
      onClose={() => model.actions.openSettings(false)}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      {view.settingsOpen && <SettingsBody view={view} model={model} />}
    </dialog>
  );
}

function SettingsBody({ view, model }: Props) {
  const { actions } = model;
  return (
    <form method="dialog" class="settings-body">
      <h2 id="settings-title">Sound</h2>
      <DeviceChoice
        label="Microphone"
        testId="microphone-select"
        devices={view.microphones}
        chosen={view.microphoneId}
        onChoose={actions.chooseMicrophone}
      />
      <Meter model={model} testId="settings-meter" />
      <label class="switch">
        <input
          type="checkbox"
          checked={view.processing}
          data-testid="processing-switch"
          onChange={(event) => actions.setProcessing(event.currentTarget.checked)}
        />
        <span>
          Clean up my voice
          <small>Removes echo and noise, and evens out the level. Turn it off for music.</small>
        </span>
      </label>
      {view.canChooseSpeaker ? (
        <DeviceChoice
          label="Speaker"
          testId="speaker-select"
          devices={view.speakers}
          chosen={view.speakerId}
          onChoose={actions.chooseSpeaker}
        />
      ) : (
        <p class="quiet">This browser plays on the system’s speaker; choose another one there.</p>
      )}
      <button class="button primary" type="submit" data-testid="settings-close">
        Done
      </button>
    </form>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly testId: string;
  readonly devices: readonly AudioDevice[];
  readonly chosen: string;
  readonly onChoose: (deviceId: string) => void;
}

function DeviceChoice({ label, testId, devices, chosen, onChoose }: ChoiceProps) {
  const known = devices.some(({ id }) => id === chosen);
  return (
    <label class="field">
      <span>{label}</span>
      <select
        data-testid={testId}
        value={known ? chosen : ""}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        <option value="">The system’s choice</option>
        {devices.map(({ id, label: text }) => (
          <option key={id} value={id}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
