//! Published vectors: RFC 3711 B.2 and B.3, RFC 6188 §7, RFC 7714 §16 and §17; and packets that libsrtp 2 made.

use aes::cipher::KeyInit;
use aes::{Aes128Enc, Aes256Enc};

use crate::srtp::cipher::Cipher;
use crate::srtp::keys::{self, SessionKeys};
use crate::srtp::{Error, Inbound, Outbound, Profile};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// "Quid pro quo".
const SALT: &str = "517569642070726f2071756f";
/// "Gallia est omnis divisa in partes tres".
const RTP: &str = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e6973206469766973 6120696e207061727465732074726573";
const RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
const RTCP_INDEX: u32 = 0x5D4;

fn session_cipher(profile: Profile, key: &str) -> Cipher {
    let mut keys = SessionKeys {
        key: [0; 32],
        authentication: [0; 20],
        salt: [0; 14],
    };
    let key = hex(key);
    keys.key[..key.len()].copy_from_slice(&key);
    keys.salt[..12].copy_from_slice(&hex(SALT));
    Cipher::from_session_keys(profile, &keys).unwrap()
}

/// RFC 7714's examples start from session keys, the same for RTP and RTCP.
fn rfc_7714(profile: Profile, key: &str) -> (Outbound, Inbound) {
    let mut outbound = Outbound::with_ciphers(
        profile,
        session_cipher(profile, key),
        session_cipher(profile, key),
    );
    outbound.set_rtcp_index(RTCP_INDEX);
    let inbound = Inbound::with_ciphers(
        profile,
        session_cipher(profile, key),
        session_cipher(profile, key),
    );
    (outbound, inbound)
}

fn both_ways(profile: Profile, key: &str, srtp: &str, srtcp: &str) {
    let (mut outbound, mut inbound) = rfc_7714(profile, key);
    let mut packet = hex(RTP);
    outbound.protect_rtp(12, &mut packet, 0).unwrap();
    assert_eq!(packet, hex(srtp));
    let plain = inbound.unprotect_rtp(&mut packet).unwrap();
    assert_eq!((&packet[..plain.len], plain.index), (&hex(RTP)[..], 0xF17B));

    let mut packet = hex(RTCP);
    outbound.protect_rtcp(&mut packet).unwrap();
    assert_eq!(packet, hex(srtcp));
    let len = inbound.unprotect_rtcp(&mut packet).unwrap();
    assert_eq!(&packet[..len], &hex(RTCP)[..]);
}

#[test]
fn rfc_7714_section_16_1_and_17_1_aead_aes_128_gcm() {
    both_ways(
        Profile::AeadAes128Gcm,
        KEY_128,
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833\
         899d7f27beb16a9152cf765ee4390cce",
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b\
         c84aa45896cf4d2fc5abf87245d9eade800005d4",
    );
}

#[test]
fn rfc_7714_section_16_2_and_17_2_aead_aes_256_gcm() {
    both_ways(
        Profile::AeadAes256Gcm,
        KEY_256,
        "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b\
         7aa3db36dfffd6b0f9bb7878d7a76c13",
        "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad\
         1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
    );
}

#[test]
fn rfc_7714_section_17_3_a_packet_that_is_tagged_but_not_encrypted_is_refused() {
    let (_, mut inbound) = rfc_7714(Profile::AeadAes128Gcm, KEY_128);
    let mut packet = hex(&format!("{RTCP}841dd9683dd78ec92ae58790125f62b3000005d4"));
    assert_eq!(
        inbound.unprotect_rtcp(&mut packet),
        Err(Error::NotEncrypted)
    );
    assert_eq!(inbound.sources(), (0, 0));
}

/// The first three and the last three blocks of the 65,282 that RFC 3711 B.2 and RFC 6188 §7.1 name.
fn check_keystream(apply: impl Fn(u128, &mut [u8]), first: &str, last: &str) {
    let iv = keys::salt_bits(&hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd")) << 16;
    let mut data = vec![0; 65_282 * 16];
    apply(iv, &mut data);
    assert_eq!(&data[..48], &hex(first)[..]);
    assert_eq!(&data[data.len() - 48..], &hex(last)[..]);
}

#[test]
fn rfc_3711_appendix_b_2_aes_128_counter_mode_keystream() {
    let aes = Aes128Enc::new_from_slice(&hex("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
    check_keystream(
        |iv, data| keys::keystream(&aes, iv, data),
        "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0",
        "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44",
    );
}

#[test]
fn rfc_6188_section_7_1_aes_256_counter_mode_keystream() {
    let aes = Aes256Enc::new_from_slice(&hex(
        "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
    ))
    .unwrap();
    check_keystream(
        |iv, data| keys::keystream(&aes, iv, data),
        "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31",
        "cea518c90fd91ced9cbb18c078a547113dbc4814f4da5f00a08772b63c6a046d6eb246913062a16891433e97dd01a57f",
    );
}

fn derived(key: &str, salt: &str, label: u8, len: usize) -> Vec<u8> {
    let mut out = vec![0xFF; len];
    keys::derive(&hex(key), &hex(salt), label, &mut out).unwrap();
    out
}

#[test]
fn rfc_3711_appendix_b_3_key_derivation() {
    let (key, salt) = (
        "e1f97a0d3e018be0d64fa32c06de4139",
        "0ec675ad498afeebb6960b3aabe6",
    );
    assert_eq!(
        derived(key, salt, 0, 16),
        hex("c61e7a93744f39ee10734afe3ff7a087")
    );
    assert_eq!(
        derived(key, salt, 2, 14),
        hex("30cbbc08863d8c85d49db34a9ae1")
    );
    assert_eq!(
        derived(key, salt, 1, 94),
        hex(
            "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef7227098\
             6371c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"
        )
    );
}

#[test]
fn rfc_6188_section_7_2_key_derivation_from_a_256_bit_key() {
    let key = "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6";
    let salt = "3b04803de51ee7c96423ab5b78d2";
    assert_eq!(
        derived(key, salt, 0, 32),
        hex("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4")
    );
    assert_eq!(
        derived(key, salt, 2, 14),
        hex("fa31791685ca444a9e07c6c64e93")
    );
    assert_eq!(
        derived(key, salt, 1, 20),
        hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05")
    );
}

/// Master key and salt, an RTP packet, one with a header extension, and an RTCP packet of index 1, as libsrtp protects them.
struct Libsrtp {
    profile: Profile,
    master: &'static str,
    rtp: &'static str,
    extended: &'static str,
    rtcp: &'static str,
}

const LIBSRTP: [Libsrtp; 3] = [
    Libsrtp {
        profile: Profile::AesCm128HmacSha1_80,
        master: "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
        rtp: "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb",
        extended: "900f1234decafbadcafebabebede000110ff22014e55dc4ce79978d88ca4d215949d24027b9364bf1db52ecc1976",
        rtcp: "81c8000bcafebabe7128035be487b9bdbef89041f977a5a8d5efb8816abf868c340e5082be1e90ca6bdd31954a81a47d\
               8000000163a50d16b51439563031",
    },
    Libsrtp {
        profile: Profile::AeadAes128Gcm,
        master: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b",
        rtp: "800f1234decafbadcafebabe4ad7d8a55fb3fd902db557c94b415ecd17ea3bd1754d1f2808104e868c1cf597",
        extended: "900f1234decafbadcafebabebede000110ff22014ad7d8a55fb3fd902db557c94b415ecd909fd5e5c7c65d66fa648ca14742c5e3",
        rtcp: "81c8000bcafebabe60b68cb97100e4206ca1c1b44a69f017161c24aaef5d2f7d9ad1cf0b2318ecbe2346e9b6ed3bb27b\
               9ae50bf41a41291b1a96a220cb2171dc80000001",
    },
    Libsrtp {
        profile: Profile::AeadAes256Gcm,
        master: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b",
        rtp: "800f1234decafbadcafebabed54ed632a76bff3fa2efbb5597a5d5e87c07497c6b89729d1291317aeef11ba7",
        extended: "900f1234decafbadcafebabebede000110ff2201d54ed632a76bff3fa2efbb5597a5d5e87a43a2f4245f348f629c4b1d0264ea99",
        rtcp: "81c8000bcafebabe12d596ce61c485e7bae16103356375e935988821743ba6cc2ad5d439aaf09f829af0448b360de21a\
               7e3d16cbcbdccaa819505f8f448f7dc280000001",
    },
];

#[test]
fn libsrtp_protects_every_profile_as_we_do() {
    let payload = [0xAB; 16];
    for Libsrtp {
        profile,
        master,
        rtp,
        extended,
        rtcp,
    } in LIBSRTP
    {
        let master = hex(master);
        let (key, salt) = master.split_at(profile.key_len());
        let mut outbound = Outbound::new(profile, key, salt).unwrap();
        for (header, expected) in [
            ("800f1234decafbadcafebabe", rtp),
            ("900f1234decafbadcafebabebede000110ff2201", extended),
        ] {
            let mut packet = Vec::new();
            outbound
                .protect_rtp_into(&hex(header), &payload, 0x1234, &mut packet)
                .unwrap();
            assert_eq!(packet, hex(expected), "{profile:?}");
            let mut inbound = Inbound::new(profile, key, salt).unwrap();
            let plain = inbound.unprotect_rtp(&mut packet).unwrap();
            assert_eq!(
                &packet[..plain.len],
                &[&hex(header)[..], &payload].concat()[..]
            );
        }
        let plain = [&hex("81c8000bcafebabe")[..], &[0xAB; 40]].concat();
        let mut packet = plain.clone();
        outbound.set_rtcp_index(1);
        outbound.protect_rtcp(&mut packet).unwrap();
        assert_eq!(packet, hex(rtcp), "{profile:?}");
        let len = Inbound::new(profile, key, salt)
            .unwrap()
            .unprotect_rtcp(&mut packet)
            .unwrap();
        assert_eq!(&packet[..len], &plain[..]);
    }
}
