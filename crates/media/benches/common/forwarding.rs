//! One packet in, copies for all listeners out: the whole worker, or several, without sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::parts::person::FRAME;
use super::{Channel, LOCAL, Plan, Subject};

/// Fan-outs that are looked at.
const FAN_OUTS: [usize; 4] = [1, 10, 100, 1_000];

/// Copies that a round makes at least, and packets in at most.
const COPIES: usize = 500;
const PACKETS: usize = 128;

/// Those of [`FAN_OUTS`] that the plan asks for.
pub fn fan_outs(plan: Plan) -> Vec<usize> {
    let within = FAN_OUTS.into_iter().filter(|wide| *wide <= plan.widest);
    within.collect()
}

/// Packets in a round for this fan-out.
pub fn packets(fan_out: usize) -> usize {
    (COPIES / fan_out).clamp(1, PACKETS)
}

/// `Worker::handle_datagram` of a speaker's packet: opened, parsed, and for each listener rewritten, sealed and queued.
pub fn worker<'a>(fan_out: usize) -> Subject<'a> {
    workers(1, fan_out).named(format!("worker, 1 → {fan_out}"))
}

/// The same with the listeners spread over so many workers, all in one thread: what the others do is in it, the queues and wake-ups between
/// them are not.
pub fn workers<'a>(workers: u8, fan_out: usize) -> Subject<'a> {
    let listeners: Vec<SocketAddr> = (1..=fan_out).map(stranger).collect();
    let server = SocketAddr::new(LOCAL, 3_478);
    let mut channel = Channel::on_workers(workers, server, &[stranger(0)], &listeners, |_, _| true);
    let packets = packets(fan_out);
    Subject::new(
        format!("{workers} workers, 1 → {fan_out}"),
        fan_out,
        move |stopwatch| {
            let mut spoken: Vec<_> = (0..packets).map(|_| channel.speak(0)).collect();
            stopwatch.time(|| {
                for (from, bytes) in &mut spoken {
                    channel.advance(FRAME);
                    channel.forward(*from, bytes);
                }
            });
            let sent = channel.sent();
            assert_eq!(sent, packets * fan_out, "everybody hears every packet");
            channel.clear();
            channel.run_timers();
            sent
        },
    )
}

/// An address that nobody else has; ports differ, so that workers share the clients.
fn stranger(number: usize) -> SocketAddr {
    let [.., high, low] = number.to_be_bytes();
    let port = 40_000 + u16::from(low % 64);
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, high, low)), port)
}
