//! RFC 5769's messages, then each rule of parsing and writing; malformed input at every length.

mod properties;

use super::*;

const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

/// RFC 5769 §2.1.
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae\
    802200105354554e207465737420636c69656e74\
    002400046e0001ff80290008932ff9b151263b36\
    000600096576746a3a68367659202020\
    000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
    80280004e57a3bcf";
/// RFC 5769 §2.2.
const RESPONSE_V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7\
    80280004c07d4c96";
/// RFC 5769 §2.3.
const RESPONSE_V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9\
    00080014a382954e4be67bf11784c97c8292c275bfe3ed41\
    80280004c8fb0b4c";
/// RFC 5769 §2.4.
const LONG_TERM: &str = "000100602112a44278ad3433c6ad72c029da412e\
    00060012e3839ee38388e383aae38383e382afe382b90000\
    0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341\
    0014000b6578616d706c652e6f726700\
    00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn id() -> TransactionId {
    TransactionId(hex("b7e7a701bc34d686fa87dfae").try_into().unwrap())
}

fn check() -> BindingRequest<'static> {
    BindingRequest {
        transaction_id: id(),
        username: "ours:theirs",
        priority: 0x6E00_01FF,
        role: Role::Controlling(7),
        use_candidate: true,
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

/// A message of raw attributes, without signature and checksum.
fn message_of(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend_from_slice(&kind.to_be_bytes());
        body.extend_from_slice(&(value.len() as u16).to_be_bytes());
        body.extend_from_slice(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut message = kind.to_be_bytes().to_vec();
    message.extend_from_slice(&(body.len() as u16).to_be_bytes());
    message.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
    message.extend_from_slice(&id().0);
    message.extend(body);
    message
}

#[test]
fn rfc_5769_request_is_read_and_verified() {
    let bytes = hex(REQUEST);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        (message.class(), message.method()),
        (Class::Request, BINDING)
    );
    assert_eq!(message.transaction_id(), id());
    assert_eq!(message.username(), Some("evtj:h6vY"));
    assert_eq!(message.fragments(), Some(("evtj", "h6vY")));
    assert_eq!(message.priority(), Some(0x6E00_01FF));
    assert_eq!(message.ice_controlled(), Some(0x932F_F9B1_5126_3B36));
    assert_eq!(message.ice_controlling(), None);
    assert!(!message.use_candidate());
    assert!(message.has_fingerprint());
    assert_eq!(message.unknown_required().count(), 0);
    assert!(message.verify(PASSWORD));
    assert!(!message.verify(b"VOkJxbRl1RmTxUk/WvJxBT"));
    assert!(!message.verify(b""));
}

#[test]
fn rfc_5769_responses_are_read_and_verified() {
    for (text, address) in [
        (RESPONSE_V4, "192.0.2.1:32853"),
        (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let bytes = hex(text);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert_eq!(message.mapped_address(), Some(address.parse().unwrap()));
        assert!(message.has_fingerprint());
        assert!(message.verify(PASSWORD));
    }
}

#[test]
fn rfc_5769_long_term_request_is_verified_with_the_key_made_from_name_realm_and_password() {
    let bytes = hex(LONG_TERM);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.username(), Some("マトリックス"));
    assert_eq!(message.unknown_required().count(), 0);
    // MD5("マトリックス:example.org:TheMatrIX"), RFC 8489 §9.2.2.
    assert!(message.verify(&hex("e8ca7ad59d5eb0518e312911d2dab2a9")));
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    let good = written(|out| check().write(PASSWORD, out));
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let accepted = Message::parse(&bytes)
            .is_ok_and(|message| message.has_fingerprint() && message.verify(PASSWORD));
        assert!(!accepted, "bit {bit}");
    }
}

#[test]
fn every_shorter_and_longer_datagram_is_refused() {
    let good = hex(REQUEST);
    for length in 0..good.len() {
        assert!(Message::parse(&good[..length]).is_err(), "length {length}");
    }
    assert_eq!(
        Message::parse(&[&good[..], &[0]].concat()).err(),
        Some(Error::Length)
    );
    assert_eq!(
        Message::parse(&[&good[..], &[0; 4]].concat()).err(),
        Some(Error::Length)
    );
}

#[test]
fn a_wrong_cookie_or_first_bits_are_not_stun() {
    let mut bytes = message_of(1, &[]);
    assert!(Message::parse(&bytes).is_ok());
    bytes[0] |= 0x40;
    assert_eq!(Message::parse(&bytes).err(), Some(Error::NotStun));
    bytes[0] = 0;
    bytes[4] ^= 1;
    assert_eq!(Message::parse(&bytes).err(), Some(Error::NotStun));
}

#[test]
fn classes_and_methods_are_taken_from_their_interleaved_bits() {
    for (kind, class, method) in [
        (0x0001, Class::Request, 0x001),
        (0x0011, Class::Indication, 0x001),
        (0x0101, Class::Success, 0x001),
        (0x0111, Class::Error, 0x001),
        (0x0003, Class::Request, 0x003),
        (0x3EEF, Class::Request, 0xFFF),
    ] {
        let bytes = message_of(kind, &[]);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            (message.class(), message.method()),
            (class, method),
            "{kind:#06x}"
        );
    }
}

#[test]
fn attributes_of_an_impossible_size_are_refused() {
    let long = [b'a'; 514];
    for (kind, value) in [
        (attribute::USERNAME, &long[..]),
        (attribute::PRIORITY, &[0; 3]),
        (attribute::ICE_CONTROLLING, &[0; 7]),
        (attribute::ICE_CONTROLLED, &[0; 9]),
        (attribute::XOR_MAPPED_ADDRESS, &[0, 1, 0, 0]),
        (attribute::XOR_MAPPED_ADDRESS, &[0, 2, 0, 0, 1, 2, 3, 4]),
        (attribute::XOR_MAPPED_ADDRESS, &[0, 3, 0, 0, 1, 2, 3, 4]),
        (attribute::ERROR_CODE, &[0, 0, 2, 0]),
        (attribute::ERROR_CODE, &[0, 0, 4, 100]),
        (attribute::MESSAGE_INTEGRITY, &[0; 19]),
    ] {
        assert_eq!(
            Message::parse(&message_of(1, &[(kind, value)])).err(),
            Some(Error::Attribute),
            "{kind:#06x} {value:?}"
        );
    }
}

#[test]
fn an_attribute_that_runs_over_the_end_is_refused() {
    let mut bytes = message_of(1, &[(attribute::USERNAME, b"abcd")]);
    bytes[23] = 5;
    assert_eq!(Message::parse(&bytes).err(), Some(Error::Attribute));
    bytes[22..24].copy_from_slice(&[0xFF, 0xFF]);
    assert_eq!(Message::parse(&bytes).err(), Some(Error::Attribute));
}

#[test]
fn a_datagram_full_of_attributes_is_refused() {
    let some = [(0x8000_u16, &[][..]); 32];
    assert!(Message::parse(&message_of(1, &some)).is_ok());
    let many = [(0x8000_u16, &[][..]); 33];
    assert_eq!(
        Message::parse(&message_of(1, &many)).err(),
        Some(Error::TooManyAttributes)
    );
}

#[test]
fn the_first_of_two_equal_attributes_counts() {
    let bytes = message_of(
        1,
        &[(attribute::USERNAME, b"a:b"), (attribute::USERNAME, b"c:d")],
    );
    assert_eq!(Message::parse(&bytes).unwrap().username(), Some("a:b"));
}

#[test]
fn attributes_behind_the_signature_do_not_count() {
    let kinds: [(u16, &[u8]); 3] = [
        (attribute::MESSAGE_INTEGRITY, &[0; 20]),
        (attribute::USE_CANDIDATE, &[]),
        (0x0077, &[]),
    ];
    let bytes = message_of(1, &kinds);
    let message = Message::parse(&bytes).unwrap();
    assert!(!message.use_candidate());
    assert_eq!(message.unknown_required().count(), 0);
    assert!(message.has_integrity() && !message.verify(b"x"));
}

#[test]
fn a_wrong_fingerprint_or_one_that_is_not_last_is_refused() {
    let mut bytes = hex(REQUEST);
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(Message::parse(&bytes).err(), Some(Error::Fingerprint));
    // Right for a message that goes on, but it has to be the last word.
    let mut followed = message_of(1, &[(attribute::FINGERPRINT, &[0; 4]), (0x8000, &[])]);
    let checksum = CRC.checksum(&followed[..HEADER]) ^ FINGERPRINT_MASK;
    followed[24..28].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(Message::parse(&followed).err(), Some(Error::Fingerprint));
    let short = message_of(1, &[(attribute::FINGERPRINT, &[0; 3])]);
    assert_eq!(Message::parse(&short).err(), Some(Error::Fingerprint));
}

#[test]
fn unknown_required_attributes_are_listed_and_optional_ones_are_not() {
    let bytes = message_of(
        1,
        &[
            (0x7FFF, b"abc"),
            (0x8000, &[]),
            (attribute::PRIORITY, &[0; 4]),
            (0x0002, &[]),
        ],
    );
    let unknown: Vec<u16> = Message::parse(&bytes).unwrap().unknown_required().collect();
    assert_eq!(unknown, [0x7FFF, 0x0002]);
}

#[test]
fn a_username_that_is_not_utf_8_is_no_username() {
    let bytes = message_of(1, &[(attribute::USERNAME, &[0xFF, b':', 0xFE])]);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.username(), message.fragments()), (None, None));
}

#[test]
fn a_message_without_signature_never_verifies() {
    let bytes = written(|out| write_indication(id(), out));
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.class(), bytes.len()), (Class::Indication, 28));
    assert!(message.has_fingerprint() && !message.has_integrity() && !message.verify(b""));
}

#[test]
fn errors_carry_their_code_and_the_unknown_types() {
    for error in [
        ErrorCode::BadRequest,
        ErrorCode::Unauthenticated,
        ErrorCode::UnknownAttribute,
        ErrorCode::RoleConflict,
    ] {
        let bytes = written(|out| write_error(id(), error, &[1, 2, 3], Some(PASSWORD), out));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            (message.class(), message.error_code()),
            (Class::Error, Some(error.code()))
        );
        assert!(message.verify(PASSWORD) && message.has_fingerprint());
        assert!(
            bytes
                .windows(10)
                .any(|part| part == [0, 0x0A, 0, 6, 0, 1, 0, 2, 0, 3])
        );
    }
    let unsigned = written(|out| write_error(id(), ErrorCode::Unauthenticated, &[], None, out));
    assert!(!Message::parse(&unsigned).unwrap().has_integrity());
}

#[test]
fn an_answer_is_no_longer_than_the_shortest_check() {
    let mut shortest = check();
    shortest.username = "abcd:efgh";
    shortest.use_candidate = false;
    let question = written(|out| shortest.write(PASSWORD, out)).len();
    let answer =
        written(|out| write_success(id(), "[::1]:1".parse().unwrap(), PASSWORD, out)).len();
    assert!(answer <= question, "{answer} > {question}");
}

#[test]
fn messages_are_appended_to_what_stands_in_the_buffer() {
    let mut out = b"before".to_vec();
    check().write(PASSWORD, &mut out);
    assert_eq!(&out[..6], b"before");
    assert!(Message::parse(&out[6..]).unwrap().verify(PASSWORD));
}
