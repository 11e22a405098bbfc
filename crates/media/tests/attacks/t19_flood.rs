//! T19: one member floods.

use crate::SECOND;
use crate::common::attack::assert_unharmed;
use crate::common::{Scene, Setup};
use hocket_media::Drop;

#[test]
fn t19_a_member_that_floods_is_capped_and_harms_nobody() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob", "mallory"]);
    scene.speak("alice");
    for _ in 0..500 {
        (0..20).for_each(|_| scene.person("mallory").send_frame()); // 2,000 a second
        scene.run(SECOND / 100);
    }
    assert_unharmed(&mut scene, 5);
    let heard = scene.counts("bob", "mallory").len();
    assert!(
        (1_000..=1_210).contains(&heard),
        "{heard} packets in five seconds"
    );
    assert!(scene.dropped(Drop::RtpFlood) > 8_000);
}
