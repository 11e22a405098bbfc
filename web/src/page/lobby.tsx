/** Before the call: who you are, and which channel. */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { MAX_CHANNEL_NAME } from "../voice/channel";
import { MAX_NAME } from "../voice/identity";
import { Mark } from "./mark";
import { Problems } from "./problems";
import type { Actions, View } from "./view";

export function Lobby({ view, actions }: { readonly view: View; readonly actions: Actions }) {
  return (
    <main class="lobby">
      <header class="lobby-head">
        <Mark />
        <h1>Hocket</h1>
        <p>A voice channel. Join, share the link, talk.</p>
      </header>
      <Problems view={view} actions={actions} />
      <JoinForm view={view} actions={actions} />
      {view.insecure ? <InsecureNote /> : <MicrophoneNote />}
    </main>
  );
}

function JoinForm({ view, actions }: { readonly view: View; readonly actions: Actions }) {
  const nameField = useRef<HTMLInputElement>(null);
  const joinButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const wanted = view.name === "" ? nameField.current : null;
    (wanted ?? joinButton.current)?.focus();
  }, []);
  return (
    <form
      class="card join-form"
      data-testid="join-form"
      onSubmit={(event) => {
        event.preventDefault();
        actions.join();
      }}
    >
      {view.hasToken ? <TokenNote /> : <NameField field={nameField} view={view} actions={actions} />}
      <label class="field">
        <span>Channel</span>
        <input
          data-testid="channel-input"
          value={view.channel}
          maxLength={MAX_CHANNEL_NAME}
          placeholder="lobby"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          onInput={(event) => actions.setChannel(event.currentTarget.value)}
        />
      </label>
      <button ref={joinButton} class="button primary" type="submit" data-testid="join-button">
        Join
      </button>
    </form>
  );
}

interface NameProps {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly view: View;
  readonly actions: Actions;
}

function NameField({ field, view, actions }: NameProps) {
  return (
    <label class="field">
      <span>Your name</span>
      <input
        ref={field}
        data-testid="name-input"
        value={view.name}
        maxLength={MAX_NAME}
        placeholder="What the others call you"
        autocomplete="nickname"
        spellcheck={false}
        onInput={(event) => actions.setName(event.currentTarget.value)}
      />
    </label>
  );
}

function TokenNote() {
  return (
    <p class="quiet" data-testid="token-note">
      Your link says who you are, so you need not give a name.
    </p>
  );
}

function MicrophoneNote() {
  return (
    <p class="quiet" data-testid="microphone-note">
      Your browser will ask for the microphone. Without one you can still listen.
    </p>
  );
}

function InsecureNote() {
  return (
    <p class="quiet" role="note" data-testid="insecure-note">
      This page was opened over plain http, and browsers open the microphone only on secure pages. You can listen; to
      speak, open it over <b>https</b>, or on the server itself as <b>localhost</b>.
    </p>
  );
}
