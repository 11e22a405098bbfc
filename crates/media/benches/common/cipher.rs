//! The cipher alone, without SRTP around it: the part of the floor that no server gets below.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{HEADER, PAYLOAD, Subject};

/// One seal of a voice packet under each of `keys` keys in turn: a key that was not just used is not in the nearest cache.
pub fn floor<'a>(keys: usize) -> Subject<'a> {
    let ciphers: Vec<LessSafeKey> = (0..keys).map(key).collect();
    let mut body = [0xA5; PAYLOAD];
    let turns = (1_000 / keys).max(1);
    Subject::new(name(keys), 0, move |stopwatch| {
        stopwatch.time(|| {
            for turn in 0..turns {
                ciphers
                    .iter()
                    .for_each(|cipher| seal(cipher, turn, &mut body));
            }
        });
        keys * turns
    })
}

/// What the table calls it.
pub fn name(keys: usize) -> String {
    format!("floor: AES-128-GCM, {keys} keys in turn")
}

fn key(number: usize) -> LessSafeKey {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &bytes).unwrap())
}

fn seal(cipher: &LessSafeKey, turn: usize, body: &mut [u8; PAYLOAD]) {
    let mut nonce = [0; NONCE_LEN];
    nonce[4..].copy_from_slice(&turn.to_be_bytes());
    let nonce = Nonce::assume_unique_for_key(nonce); // nothing secret is sealed here
    let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(&[0x90; HEADER]), body);
    black_box(tag.unwrap().as_ref());
}
