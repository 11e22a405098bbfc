//! T18: audio-level lies (RFC 6464).

use std::time::Duration;

use crate::SECOND;
use crate::common::person::FRAME;
use crate::common::six::{PEOPLE, first_heard, heard, scene, speak};

#[test]
fn t18_who_always_claims_the_loudest_level_does_not_silence_the_others() {
    for limit in 1..=3usize {
        let mut scene = scene(3, limit);
        let (liars, honest) = PEOPLE[..5].split_at(limit);
        for name in liars {
            speak(&mut scene, name, 0);
        }
        scene.run(SECOND);
        for name in honest {
            speak(&mut scene, name, 45);
        }
        let since = scene.now;
        let bound =
            Duration::from_millis(7_500) + SECOND * 2 * (4u32.div_ceil(limit as u32)) + FRAME * 5;
        scene.run(bound);
        for name in honest {
            let waited = first_heard(&mut scene, name, since);
            assert!(
                waited.is_some_and(|waited| waited <= bound),
                "{limit}: {name} waited {waited:?}"
            );
            let heard = heard(&mut scene, name);
            assert!(
                heard.len() >= 50,
                "{name} got to say something: {}",
                heard.len()
            );
        }
    }
}
