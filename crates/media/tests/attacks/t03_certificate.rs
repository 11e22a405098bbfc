//! T3: fingerprint not enforced (CVE-2021-28681), certificate without its key (CVE-2022-29222).

use crate::SECOND;
use crate::common::{Scene, Setup, Side, Version, names};
use hocket_media::{CloseReason, FingerprintError, Fingerprints, Role};

#[test]
fn t3_another_certificate_gets_no_media_and_ends_with_a_clear_reason() {
    for signalled_first in [true, false] {
        let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
        scene.enter("mallory");
        if !signalled_first {
            scene.run(SECOND);
        }
        // Mallory joins with alice's fingerprint.
        let now = scene.now;
        for side in [Side::Send, Side::Receive] {
            let fingerprints = scene.person("alice").client(side).fingerprints();
            let transport = scene.transport("mallory", side);
            scene
                .server
                .connect(transport, Role::Client, fingerprints, now);
        }
        scene.produce("mallory");
        scene.consume("mallory", "alice");
        scene.pause("mallory", "alice", false);
        scene.consume("bob", "mallory");
        scene.pause("bob", "mallory", false);
        ["alice", "mallory"]
            .into_iter()
            .for_each(|name| scene.speak(name));
        scene.run(SECOND);
        for side in [Side::Send, Side::Receive] {
            let transport = scene.transport("mallory", side);
            assert_eq!(
                scene.close_reason(transport),
                Some(CloseReason::FingerprintMismatch)
            );
        }
        assert_eq!(scene.heard_from("mallory"), names([]));
        assert_eq!(
            scene.person("mallory").receive.unreadable,
            0,
            "not one packet was sent to her"
        );
        assert_eq!(scene.heard_from("bob"), names(["alice"]));
    }
}

#[test]
fn t3_a_certificate_shown_without_its_key_gets_no_media() {
    for version in [Version::V12, Version::V13] {
        let mut scene = Scene::with_people(
            Setup {
                version,
                ..Setup::default()
            },
            &["alice", "bob"],
        );
        scene.enter("mallory");
        for side in [Side::Send, Side::Receive] {
            // Mallory signals alice's fingerprint, and shows alice's certificate.
            let place = scene.people.iter().position(|one| one.name == "alice");
            let mut alice = scene.people.remove(place.unwrap());
            scene
                .person("mallory")
                .client(side)
                .pretend_to_be(alice.client(side));
            scene.people.insert(0, alice);
            scene.connect("mallory", side);
        }
        scene.produce("mallory");
        scene.consume("mallory", "alice");
        scene.pause("mallory", "alice", false);
        scene.consume("bob", "mallory");
        scene.pause("bob", "mallory", false);
        for name in ["alice", "mallory"] {
            scene.speak(name);
        }
        scene.run(SECOND * 31);
        for side in [Side::Send, Side::Receive] {
            let transport = scene.transport("mallory", side);
            assert!(!scene.is_connected(transport), "{version:?} {side:?}");
            let reason = scene.close_reason(transport);
            let refused = [
                Some(CloseReason::HandshakeFailed),
                Some(CloseReason::HandshakeTimeout),
            ];
            assert!(
                refused.contains(&reason),
                "{version:?} {side:?}: {reason:?}"
            );
        }
        assert_eq!(scene.heard_from("mallory"), names([]));
        assert_eq!(scene.person("mallory").receive.unreadable, 0);
        assert_eq!(scene.heard_from("bob"), names(["alice"]));
    }
}

#[test]
fn t3_fingerprint_lists_that_prove_nothing_are_refused() {
    let sha1 = ["AB"; 20].join(":");
    let weak: [&[(&str, &str)]; 4] = [
        &[],
        &[("sha-1", &sha1)],
        &[("sha-1", &sha1), ("md5", "00"), ("sha-1", &sha1)],
        &[("unknown", &sha1)],
    ];
    for list in weak {
        let parsed = Fingerprints::parse(list.iter().copied());
        assert_eq!(parsed.err(), Some(FingerprintError::NoneUsable), "{list:?}");
    }
}
