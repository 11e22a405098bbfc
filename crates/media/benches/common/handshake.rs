//! What a transport costs until media may flow: its first check, and our half of its DTLS handshake.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hocket_media::Options;

use super::channel::join;
use super::parts::Server;
use super::{LOCAL, Subject};

/// Transports a round.
const TRANSPORTS: u64 = 4;

/// Time in which what is left of a transport that is removed goes too.
const GONE: Duration = Duration::from_secs(5);

/// Transports that come and go on one worker.
pub fn transport<'a>() -> Subject<'a> {
    let mut now = Instant::now();
    let options = Options {
        dtls_seed: Some(1),
        seed: [1; 32],
        ..Options::default()
    };
    let mut server = Server::new(SocketAddr::new(LOCAL, 9), options, now);
    let mut number = 0;
    Subject::new("a transport: check and handshake", 0, move |stopwatch| {
        for place in 0..TRANSPORTS {
            number += 1;
            let address = SocketAddr::new(LOCAL, 10_000 + place as u16);
            let (_, transport) = join(&mut server, (address, number), &mut now, stopwatch);
            server.remove_transport(transport, now);
            now += GONE;
            server.handle_timeout(now);
            server.workers[0].outbox().clear();
            while server.workers[0].poll_event().is_some() {}
        }
        TRANSPORTS as usize
    })
}
