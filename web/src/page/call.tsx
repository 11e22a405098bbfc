/** The call: where we are, who is here, and the controls. */
import { useEffect, useRef } from "preact/hooks";
import { CopyLink, ShareLink } from "./copy-link";
import { Dock } from "./dock";
import { Mark } from "./mark";
import { PersonRow } from "./person-row";
import { Problems } from "./problems";
import { Settings } from "./settings";
import type { PageModel, View } from "./view";
import { connectionWords, loopbackNote, qualityWords } from "./words";

interface Props {
  readonly view: View;
  readonly model: PageModel;
}

export function Call({ view, model }: Props) {
  return (
    <div class="call">
      <CallHead view={view} model={model} />
      <main class="call-body">
        <Problems view={view} actions={model.actions} />
        <People view={view} model={model} />
        {isAlone(view) && <Alone view={view} model={model} />}
      </main>
      <Dock view={view} model={model} />
      <Settings view={view} model={model} />
    </div>
  );
}

function CallHead({ view, model }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  // After Join the keyboard and the screen reader go on here.
  useEffect(() => heading.current?.focus(), []);
  return (
    <header class="call-head">
      <Mark />
      <div class="call-title">
        <h1 ref={heading} tabIndex={-1} data-testid="channel-name">
          {view.channel}
        </h1>
        <ConnectionLine view={view} />
      </div>
      {!isAlone(view) && <CopyLink view={view} actions={model.actions} />}
    </header>
  );
}

function ConnectionLine({ view }: { readonly view: View }) {
  const { text, tone } = connectionWords(view);
  const { connection } = view;
  return (
    <p
      class={`connection ${tone}`}
      role="status"
      title={qualityWords(view)}
      data-testid="connection-state"
      data-phase={connection.phase}
      data-media={connection.phase === "joined" ? connection.media : undefined}
    >
      {text}
    </p>
  );
}

function People({ view, model }: Props) {
  const steady = view.connection.phase === "joined";
  return (
    <ul class={steady ? "people" : "people unsteady"} aria-label={`People in ${view.channel}`} data-testid="people">
      {view.people.map((person) => (
        <PersonRow key={person.own ? "own" : person.userId} person={person} model={model} />
      ))}
    </ul>
  );
}

function Alone({ view, model }: Props) {
  const note = loopbackNote(view.link);
  return (
    <section class="alone" data-testid="empty-state">
      <h2>You are alone here</h2>
      <p>Send the link to whoever should join.</p>
      <ShareLink view={view} actions={model.actions} />
      {note !== undefined && (
        <p class="quiet" data-testid="loopback-note">
          {note}
        </p>
      )}
    </section>
  );
}

function isAlone(view: View): boolean {
  return view.connection.phase === "joined" && view.people.every((person) => person.own);
}
