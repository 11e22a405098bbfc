//! Parsing under any input, and what is written is read.

use core::net::SocketAddr;

use proptest::prelude::*;

use super::{PASSWORD, message_of, written};
use crate::stun::{BindingRequest, Class, Message, Role, TransactionId, write_success};

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(message) = Message::parse(&bytes) {
            let _ = (message.username(), message.unknown_required().count(), message.verify(&bytes));
        }
    }

    #[test]
    fn no_attributes_make_the_parser_panic(
        kind in 0_u16..0x4000,
        attributes in proptest::collection::vec((prop_oneof![0_u16..0x30, 0x8020_u16..0x8030, any::<u16>()],
            proptest::collection::vec(any::<u8>(), 0..40)), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let attributes: Vec<(u16, &[u8])> = attributes.iter().map(|(kind, value)| (*kind, &value[..])).collect();
        let mut bytes = message_of(kind, &attributes);
        bytes.truncate(cut.index(bytes.len() + 1));
        let length = bytes.len().saturating_sub(20) as u16;
        if let Some(field) = bytes.get_mut(2..4) { field.copy_from_slice(&length.to_be_bytes()); }
        if let Ok(message) = Message::parse(&bytes) {
            let _ = (message.username(), message.unknown_required().count(), message.verify(b"x"));
        }
    }

    #[test]
    fn a_written_check_is_read_back_as_it_was(
        transaction in any::<[u8; 12]>(), username in "[a-zA-Z0-9+/]{4,250}:[a-zA-Z0-9+/]{4,250}", priority in any::<u32>(),
        tie in any::<u64>(), controlling in any::<bool>(), use_candidate in any::<bool>(), password in "[ -~]{22,64}",
    ) {
        let role = if controlling { Role::Controlling(tie) } else { Role::Controlled(tie) };
        let request = BindingRequest { transaction_id: TransactionId(transaction), username: &username, priority, role, use_candidate };
        let bytes = written(|out| request.write(password.as_bytes(), out));
        let message = Message::parse(&bytes).unwrap();
        prop_assert_eq!(message.class(), Class::Request);
        prop_assert_eq!(message.transaction_id(), request.transaction_id);
        prop_assert_eq!(message.username(), Some(&username[..]));
        prop_assert_eq!(message.priority(), Some(priority));
        prop_assert_eq!(message.ice_controlling(), controlling.then_some(tie));
        prop_assert_eq!(message.ice_controlled(), (!controlling).then_some(tie));
        prop_assert_eq!(message.use_candidate(), use_candidate);
        prop_assert!(message.has_fingerprint() && message.verify(password.as_bytes()));
        prop_assert!(!message.verify(b"another password"));
    }

    #[test]
    fn a_written_answer_gives_back_the_address(transaction in any::<[u8; 12]>(), address in any::<SocketAddr>()) {
        let bytes = written(|out| write_success(TransactionId(transaction), address, PASSWORD, out));
        let message = Message::parse(&bytes).unwrap();
        let mapped = message.mapped_address().unwrap();
        prop_assert_eq!((mapped.ip(), mapped.port()), (address.ip(), address.port()));
        prop_assert!(message.verify(PASSWORD) && message.has_fingerprint());
    }
}
