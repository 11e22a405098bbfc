//! Where it begins: how far alice has come, and how.

use std::time::Duration;

use hocket_media::{CloseReason, DtlsState, Stats, StatsOf};

use crate::common::{Scene, Setup, Side, Version};
use crate::reader::Reader;

/// How far alice has come. One way takes 10 ms; what is under way then goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// Announced; nothing has come.
    Unknown,
    /// A check has passed.
    Checked,
    ShakingHands,
    /// The handshake is done; what she signals has not come.
    AwaitingFingerprint,
    Connected,
    /// Bob is there too: both speak and hear each other.
    Talking,
    /// Connected, with new credentials that no check has shown yet.
    Restarted,
    /// She fell silent, and her consent has expired (RFC 7675).
    Expired,
    /// Control has removed her transports.
    Removed,
}

impl State {
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::Checked,
        Self::ShakingHands,
        Self::AwaitingFingerprint,
        Self::Connected,
        Self::Talking,
        Self::Restarted,
        Self::Expired,
        Self::Removed,
    ];
}

/// Read from two bytes.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    pub state: State,
    /// Whether the server is the DTLS client.
    calls: bool,
    /// Whether only DTLS 1.2 is spoken.
    old: bool,
    workers: u8,
}

impl Start {
    pub fn read(input: &mut Reader<'_>) -> Self {
        let (state, how) = (usize::from(input.byte()), input.byte());
        Self {
            state: State::ALL[state % State::ALL.len()],
            calls: how & 1 != 0,
            old: how & 2 != 0,
            workers: if how & 4 != 0 { 3 } else { 1 },
        }
    }

    /// Alice, so far on her way.
    pub fn scene(self) -> Scene {
        let mut scene = Scene::new(Setup {
            version: if self.old {
                Version::V12
            } else {
                Version::Both
            },
            workers: self.workers,
            ..Setup::default()
        });
        self.bring(&mut scene, "alice");
        match self.state {
            State::Unknown => {}
            State::Checked => scene.run(Duration::from_millis(12)),
            State::ShakingHands => scene.run(Duration::from_millis(32)),
            State::Talking => {
                self.bring(&mut scene, "bob");
                meet(&mut scene);
            }
            State::AwaitingFingerprint | State::Connected => scene.run(Duration::from_secs(2)),
            State::Restarted => restart(&mut scene),
            State::Expired => expire(&mut scene),
            State::Removed => {
                scene.run(Duration::from_secs(2));
                scene.leave("alice");
                scene.person("alice").producer = None;
                scene.run(Duration::from_millis(50));
            }
        }
        self.check(&mut scene);
        scene
    }

    fn bring(self, scene: &mut Scene, name: &'static str) {
        scene.enter(name);
        for side in [Side::Send, Side::Receive] {
            scene.person(name).client(side).dtls_is_client = !self.calls;
        }
        if self.state != State::AwaitingFingerprint {
            scene.signal(name);
        }
    }

    /// The beginning is what its name says.
    fn check(self, scene: &mut Scene) {
        let transport = scene.transport("alice", Side::Send);
        if matches!(self.state, State::Expired | State::Removed) {
            let expired = (self.state == State::Expired).then_some(CloseReason::ConsentExpired);
            assert_eq!(scene.close_reason(transport), expired);
            return;
        }
        let Stats::Transport(stats) = scene.stats(transport, StatsOf::Transport(transport)) else {
            panic!("the transport is there");
        };
        // With the role signalled, a server that calls does so at the first check.
        let (selected, dtls) = match self.state {
            State::Unknown => (false, DtlsState::New),
            State::Checked if !self.calls => (true, DtlsState::New),
            State::Checked | State::ShakingHands => (true, DtlsState::Connecting),
            // Until then nobody knows that the server is to call.
            State::AwaitingFingerprint if self.calls => (true, DtlsState::New),
            State::AwaitingFingerprint => (true, DtlsState::AwaitingFingerprint),
            _ => (true, DtlsState::Connected),
        };
        assert_eq!((stats.selected.is_some(), stats.dtls), (selected, dtls));
    }
}

fn meet(scene: &mut Scene) {
    for (listener, speaker) in [("alice", "bob"), ("bob", "alice")] {
        scene.consume(listener, speaker);
        scene.pause(listener, speaker, false);
    }
    scene.run(Duration::from_secs(1));
    scene.speak("alice");
    scene.speak("bob");
    scene.run(Duration::from_millis(200));
    for (listener, speaker) in [("alice", "bob"), ("bob", "alice")] {
        assert!(!scene.counts(listener, speaker).is_empty());
    }
}

fn restart(scene: &mut Scene) {
    scene.run(Duration::from_secs(2));
    for side in [Side::Send, Side::Receive] {
        let (fresh, transport) = (scene.fresh_credentials(), scene.transport("alice", side));
        let now = scene.now;
        scene.server.restart_ice(transport, fresh, now);
        scene.person("alice").client(side).restart_ice(fresh, now);
    }
}

fn expire(scene: &mut Scene) {
    scene.run(Duration::from_secs(2));
    for side in [Side::Send, Side::Receive] {
        scene.person("alice").client(side).checks = false;
    }
    scene.run(Duration::from_secs(31));
}
