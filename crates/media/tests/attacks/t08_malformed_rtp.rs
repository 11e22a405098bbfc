//! T8: malformed RTP from a joined member (CVE-2025-49140).

use std::time::Duration;

use crate::common::attack::{assert_unharmed, send_from};
use crate::common::person::{OPUS, RED};
use crate::common::{Scene, Setup};
use crate::{SECOND, rtp};
use hocket_media::Drop;

/// Alice seals and sends a packet of her own whose first byte, rest of the header, payload type and payload are as given.
fn send_sealed(scene: &mut Scene, first: u8, rest: &[u8], payload_type: u8, payload: &[u8]) {
    let person = scene.person("alice");
    let mut header = rtp(person.ssrc, person.index as u16, 0);
    header[0] = first;
    header[1] = payload_type;
    header.extend_from_slice(rest);
    let index = person.index;
    person.index += 1;
    person.send.send_rtp(&header, payload, index);
    scene.run(Duration::from_millis(25));
}

/// First byte, rest of the header, payload type, payload, and why it is dropped.
type Case<'a> = (u8, &'a [u8], u8, &'a [u8], Drop);

#[test]
fn t8_malformed_rtp_from_a_member_is_dropped_and_counted() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    scene.person("alice").speaks = false;
    let sources = [0xCC; 4 * 15];
    let all_padding = [255; 255];
    let cases: [Case<'_>; 11] = [
        (0xA0, &[], OPUS, &[1, 2, 3, 0], Drop::RtpMalformed), // padding of no bytes
        (0xA0, &[], OPUS, &[1, 2, 3, 255], Drop::RtpMalformed), // padding of more than there is
        (0xA0, &[], OPUS, &[4, 4, 4, 4], Drop::RtpMalformed), // nothing but padding
        (0xA0, &[], OPUS, &all_padding, Drop::RtpMalformed),  // the most that there can be
        (0xAF, &sources, OPUS, &[1, 0], Drop::RtpMalformed), // fifteen sources, padding of no bytes
        (0x80, &[], OPUS, &[], Drop::RtpMalformed),          // no payload
        (0x8F, &sources, OPUS, &[], Drop::RtpMalformed),     // fifteen sources, no payload
        (0x80, &[], RED, &[0xEF, 0, 3], Drop::RtpMalformed), // RED that ends within its list
        (0x80, &[], RED, &[OPUS], Drop::RtpMalformed),       // RED without its primary block
        (
            0x80,
            &[],
            RED,
            &[0xEF, 0, 9, 1, OPUS, 1, 2],
            Drop::RtpMalformed,
        ), // RED shorter than it says
        (0x80, &[], 99, &[1, 2, 3], Drop::RtpPayloadType),
    ];
    for (first, rest, payload_type, payload, reason) in cases {
        let before = scene.dropped(reason);
        send_sealed(&mut scene, first, rest, payload_type, payload);
        assert_eq!(
            scene.dropped(reason),
            before + 1,
            "{first:x} {payload_type} {payload:?}"
        );
    }
    // An extension that runs over the end, or a header cut short, cannot even be sealed: it fails before the cipher.
    let (address, ssrc) = (
        scene.person("alice").send.address,
        scene.person("alice").ssrc,
    );
    let mut overrun = rtp(ssrc, 1, 30);
    overrun[0] = 0x90;
    for length in 2..overrun.len() {
        send_from(&mut scene, address, &overrun[..length]);
    }
    scene.speak("alice");
    scene.run(SECOND);
    assert_unharmed(&mut scene, 2);
}

#[test]
fn t8_one_byte_of_opus_many_sources_and_much_padding_are_legal() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    send_sealed(&mut scene, 0x80, &[], OPUS, &[0xF8]); // discontinuous transmission
    send_sealed(&mut scene, 0x8F, &[0xCC; 4 * 15], OPUS, &[9; 20]);
    // An element that runs over the end of its block ends the block, not the packet.
    let overrun = [0xBE, 0xDE, 0, 1, 0x1F, 1, 2, 3];
    send_sealed(&mut scene, 0x90, &overrun, OPUS, &[9; 30]);
    // 255 bytes of padding behind one of sound.
    let mut padded = [255; 256];
    padded[0] = 0xF8;
    send_sealed(&mut scene, 0xA0, &[], OPUS, &padded);
    let lengths: Vec<usize> = scene.person("bob").receive_lengths.clone();
    assert_eq!(lengths, [1, 20, 30, 1]);
}
