import { create } from "@bufbuild/protobuf";
import { FakeMediaStreamTrack } from "fake-mediastreamtrack";
import { beforeEach, describe, expect, test } from "vitest";
import { Event_ParticipantSchema } from "../../src/gen/hocket/voice/v1/extension_pb";
import { OwnVoice } from "../../src/voice/own-voice";

let asked: string[];
let notices: string[];
let track: MediaStreamTrack;
let own: OwnVoice;

beforeEach(() => {
  asked = [];
  notices = [];
  track = new FakeMediaStreamTrack({ kind: "audio" }) as MediaStreamTrack;
  own = new OwnVoice(
    (request) => asked.push(`${request.case} ${JSON.stringify(request.value)}`),
    () => undefined,
    ({ code }) => notices.push(code),
  );
  own.setTrack(track);
});

function serverSays(muted: boolean, maySpeak = true): void {
  own.described(create(Event_ParticipantSchema, { userId: 1n, muted, maySpeak }));
}

describe("mute", () => {
  test("disables the track before anyone is asked", () => {
    own.setMuted(true);
    expect(track.enabled).toBe(false);
    expect(asked).toEqual([]);
  });

  test("is told to the server once the channel is joined", () => {
    own.setMuted(true);
    own.entered(true);
    expect(asked).toEqual(['setMuted {"muted":true}']);
  });

  test("is told again after a reconnect", () => {
    own.entered(true);
    own.setMuted(true);
    own.lost();
    own.entered(true);
    expect(asked).toEqual(['setMuted {"muted":true}', 'setMuted {"muted":true}']);
  });

  test("holds for the next track", () => {
    own.setMuted(true);
    const next = new FakeMediaStreamTrack({ kind: "audio" }) as MediaStreamTrack;
    own.setTrack(next);
    expect(next.enabled).toBe(false);
  });

  test("by a moderator is taken over as one's own, and told to the person", () => {
    own.entered(true);
    serverSays(true, false);
    expect([own.state.muted, track.enabled, notices]).toEqual([true, false, ["client.muted-by-moderator"]]);
    expect(asked).toEqual(['setMuted {"muted":true}']);
  });

  test("by a moderator stays when the moderator takes it back, until the person unmutes", () => {
    own.entered(true);
    serverSays(true, false);
    serverSays(true, true);
    expect([own.state.muted, notices.at(-1)]).toEqual([true, "client.may-speak-again"]);
    own.setMuted(false);
    expect(track.enabled).toBe(true);
    expect(asked.at(-1)).toBe('setMuted {"muted":false}');
  });

  test("that the server has not seen yet is not taken for a moderator's", () => {
    own.entered(true);
    own.setMuted(true);
    own.setMuted(false);
    serverSays(true);
    expect([own.state.muted, notices]).toEqual([false, []]);
    serverSays(false);
    expect(track.enabled).toBe(true);
  });

  test("is never undone by the server", () => {
    own.entered(true);
    own.setMuted(true);
    serverSays(true);
    serverSays(false);
    expect([own.state.muted, track.enabled]).toEqual([true, false]);
  });
});

describe("deafen", () => {
  test("mutes as well, and gives the former mute back", () => {
    own.entered(true);
    own.setDeafened(true);
    expect(track.enabled).toBe(false);
    own.setDeafened(false);
    expect(track.enabled).toBe(true);
    expect(asked).toEqual([
      'setMuted {"muted":true}',
      'setDeafened {"deafened":true}',
      'setMuted {"muted":false}',
      'setDeafened {"deafened":false}',
    ]);
  });

  test("ends when a person unmutes", () => {
    own.setDeafened(true);
    own.setMuted(false);
    expect([own.state.deafened, track.enabled]).toEqual([false, true]);
  });

  test("is no moderator's mute", () => {
    own.entered(true);
    own.setDeafened(true);
    serverSays(true);
    expect([own.state.muted, notices]).toEqual([false, []]);
  });
});
