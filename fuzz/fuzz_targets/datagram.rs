#![no_main]

use hocket_fuzz::datagram;

libfuzzer_sys::fuzz_target!(
    init: datagram::contain_panics_of_the_library(),
    |bytes: &[u8]| datagram::run(bytes)
);
