/** Who is in the channel. Pure: fed with what the stream says, asked by whoever shows it. */
import type { Event_Participant } from "../gen/hocket/voice/v1/extension_pb";

/** One other person in the channel. Never changed in place. */
export interface Participant {
  readonly userId: bigint;
  /** What to call the person; empty if the server does not say. */
  readonly name: string;
  /** The microphone is off, or the person is not allowed to be heard. */
  readonly muted: boolean;
  /** The person does not listen. */
  readonly deafened: boolean;
  /** Heard at this moment. */
  readonly speaking: boolean;
  /** Whether the channel's rules let the person speak. */
  readonly maySpeak: boolean;
}

function stranger(userId: bigint): Participant {
  return { userId, name: "", muted: false, deafened: false, speaking: false, maySpeak: true };
}

/** The participants in the order in which they came. The own user is not among them. */
export class Roster {
  #people: ReadonlyMap<bigint, Participant> = new Map();

  /** A new map after each change, so that it can be compared by identity. */
  get people(): ReadonlyMap<bigint, Participant> {
    return this.#people;
  }

  /** The channel was joined, or joined again: exactly these are in it. Names known from before are kept. */
  enter(userIds: Iterable<bigint>): void {
    const before = this.#people;
    const kept = (id: bigint): Participant => ({ ...(before.get(id) ?? stranger(id)), speaking: false });
    this.#people = new Map([...userIds].map((id) => [id, kept(id)]));
  }

  /** Somebody joined. */
  join(userId: bigint): void {
    if (!this.#people.has(userId)) this.#put(stranger(userId));
  }

  /** The whole present state of one participant. */
  describe(event: Event_Participant): void {
    const { userId, name, muted, deafened, speaking, maySpeak } = event;
    this.#put({ userId, name, muted, deafened, speaking, maySpeak });
  }

  /** Somebody left. */
  leave(userId: bigint): void {
    const people = new Map(this.#people);
    if (people.delete(userId)) this.#people = people;
  }

  /** The stream is gone: nobody is heard until it is back. */
  silence(): void {
    this.#people = new Map([...this.#people].map(([id, person]) => [id, { ...person, speaking: false }]));
  }

  /** Nobody is here. */
  clear(): void {
    this.#people = new Map();
  }

  #put(person: Participant): void {
    this.#people = new Map(this.#people).set(person.userId, person);
  }
}
