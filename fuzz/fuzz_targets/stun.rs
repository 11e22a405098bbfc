//! A datagram that claims to be STUN.
#![no_main]

use hocket_media::demux::{Class, classify};
use hocket_media::stun::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // As a worker does: what is sorted elsewhere never reaches the parser.
    if classify(bytes) != Class::Stun {
        return;
    }
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    assert!(message.username().is_none_or(|name| name.len() <= 513));
    assert!(message.unknown_required().all(|kind| kind < 0x8000));
    assert!(
        message
            .error_code()
            .is_none_or(|code| (300..700).contains(&code))
    );
    let _ = (
        message.fragments(),
        message.priority(),
        message.use_candidate(),
        message.mapped_address(),
    );
    let _ = (
        message.ice_controlling(),
        message.ice_controlled(),
        message.transaction_id(),
        message.method(),
    );
    if message.verify(b"a password nobody uses") {
        assert!(message.has_integrity());
    }
});
