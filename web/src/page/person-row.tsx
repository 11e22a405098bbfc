/** One person: a ring that shows speech, the name, what the last seconds sounded like, and a volume. */
import { HeadphonesIcon, MicrophoneIcon, VolumeIcon } from "./icons";
import { initials } from "./names";
import { Trace } from "./trace";
import type { PageModel, Person } from "./view";

interface Props {
  readonly person: Person;
  readonly model: PageModel;
}

export function PersonRow({ person, model }: Props) {
  return (
    <li
      class="person"
      style={{ "--hue": person.hue }}
      data-testid="person"
      data-user-id={person.userId.toString()}
      data-own={person.own}
      data-speaking={person.speaking}
      data-muted={person.muted}
      data-deafened={person.deafened}
    >
      <span class="avatar" aria-hidden="true">
        {initials(person.name)}
      </span>
      <div class="who">
        <span class="name" data-testid="person-name">
          {person.name}
        </span>
        <Status person={person} />
      </div>
      <Trace userId={person.userId} history={model.history} />
      {!person.own && <Volume person={person} model={model} />}
    </li>
  );
}

function Status({ person }: { readonly person: Person }) {
  const { own, speaking, muted, deafened, listening } = person;
  const words = [
    own ? "You" : "",
    deafened ? "not listening" : "",
    listening ? "listening only" : muted ? "muted" : "",
    speaking ? "speaking" : "",
  ].filter((word) => word !== "");
  if (words.length === 0) return null;
  return (
    <span class="status">
      {deafened && <HeadphonesIcon off />}
      {(muted || listening) && !deafened && <MicrophoneIcon off />}
      <span>{words.join(", ")}</span>
    </span>
  );
}

function Volume({ person, model }: Props) {
  const percent = Math.round(person.volume * 100);
  return (
    <label class={percent === 100 ? "volume" : "volume changed"}>
      <VolumeIcon />
      <input
        type="range"
        min="0"
        max="100"
        step="5"
        value={percent}
        aria-label={`Volume of ${person.name}`}
        aria-valuetext={`${percent} percent`}
        data-testid="person-volume"
        style={{ "--share": `${percent}%` }}
        onInput={(event) => model.actions.setVolume(person.userId, Number(event.currentTarget.value) / 100)}
      />
    </label>
  );
}
