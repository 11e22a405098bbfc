//! A datagram that claims to be STUN.

use hocket_media::demux::{Class, classify};
use hocket_media::stun::{BindingRequest, Message, Role, TransactionId};

/// A datagram.
pub fn run(bytes: &[u8]) {
    read(bytes);
    write(bytes);
}

/// A check of any name and id that we write, we read, and it verifies with its own password alone.
fn write(bytes: &[u8]) {
    let Some((id, name)) = bytes.split_first_chunk() else {
        return;
    };
    let name = String::from_utf8_lossy(name);
    let check = BindingRequest {
        transaction_id: TransactionId(*id),
        username: &name,
        priority: u32::from(id[0]),
        role: Role::Controlling(u64::from(id[1])),
        use_candidate: id[2] & 1 != 0,
    };
    let mut written = Vec::new();
    check.write(b"its password", &mut written);
    let message = Message::parse(&written).expect("we read what we write");
    assert!(message.verify(b"its password") && !message.verify(b"another"));
    assert_eq!(message.transaction_id(), check.transaction_id);
    if name.len() <= 513 {
        assert_eq!(message.username(), Some(&*name));
    }
    assert_eq!(message.priority(), Some(check.priority));
    assert_eq!(message.use_candidate(), check.use_candidate);
}

fn read(bytes: &[u8]) {
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
}
