//! What ends with what.

use std::time::Instant;

use super::*;
use hocket_media::Credentials;

/// Two transports in one router; a producer on the first, a consumer of it on the second.
struct Pair {
    registry: Registry,
    router: RouterId,
    speaker: TransportId,
    listener: TransportId,
    producer: ProducerId,
    consumer: ConsumerId,
}

fn transport(registry: &mut Registry, router: RouterId) -> TransportId {
    let id = TransportId(registry.next_id());
    let credentials = Credentials::from_random(&[7; Credentials::RANDOM]);
    registry.add_transport(router, Arc::new(Claim::new(id, credentials)));
    id
}

fn pair() -> Pair {
    let mut registry = Registry::default();
    let router = registry.add_router(ActiveSpeakers::new(Instant::now()));
    let (speaker, listener) = (
        transport(&mut registry, router),
        transport(&mut registry, router),
    );
    let producer = ProducerId(registry.next_id());
    registry.add_producer(speaker, Arc::new(ProducerShared::new(producer, "somebody")));
    let consumer = ConsumerId::new(listener, 7).unwrap();
    registry.add_consumer(producer, consumer);
    Pair {
        registry,
        router,
        speaker,
        listener,
        producer,
        consumer,
    }
}

#[test]
fn ids_are_never_given_twice_over_all_kinds() {
    let pair = pair();
    let ids = [
        pair.router.0,
        pair.speaker.0,
        pair.listener.0,
        pair.producer.0,
    ];
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
}

#[test]
fn a_transport_takes_its_producers_and_their_consumers_elsewhere_with_it() {
    let Pair {
        mut registry,
        speaker,
        listener,
        consumer,
        ..
    } = pair();
    let ended = registry.remove_transport(speaker).unwrap();
    assert_eq!(ended.producers.len(), 1);
    assert!(registry.consumer(consumer).is_none());
    assert_eq!(registry.consumers_of(listener), Some(0));
    assert_eq!(
        registry.counts(),
        Counts {
            routers: 1,
            transports: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn a_listener_that_goes_leaves_the_producer() {
    let Pair {
        mut registry,
        listener,
        producer,
        ..
    } = pair();
    assert!(
        registry
            .remove_transport(listener)
            .unwrap()
            .producers
            .is_empty()
    );
    assert!(registry.producer(producer).is_some());
    assert_eq!(registry.counts().consumers, 0);
}

#[test]
fn a_producer_takes_its_consumers_with_it() {
    let Pair {
        mut registry,
        speaker,
        producer,
        ..
    } = pair();
    assert!(registry.remove_producer(producer).is_some());
    assert!(registry.remove_producer(producer).is_none());
    assert_eq!(registry.producers_of(speaker), Some(0));
    assert_eq!(registry.counts().consumers, 0);
}

#[test]
fn a_consumer_says_where_it_is_and_is_known_while_it_is_there() {
    let Pair {
        mut registry,
        listener,
        producer,
        consumer,
        ..
    } = pair();
    let others: Vec<ConsumerId> = [9, 3, u32::MAX, 1]
        .iter()
        .map(|ssrc| ConsumerId::new(listener, *ssrc).unwrap())
        .collect();
    for other in &others {
        assert!(registry.consumer(*other).is_none());
        registry.add_consumer(producer, *other);
    }
    registry.remove_consumer(consumer);
    assert!(registry.consumer(consumer).is_none());
    assert!(others.iter().all(|other| {
        registry
            .consumer(*other)
            .is_some_and(|(on, _)| on == listener)
    }));
    assert_eq!(
        (registry.counts().consumers, registry.consumers_of(listener)),
        (4, Some(4))
    );
    registry.remove_producer(producer);
    assert_eq!(
        (registry.counts().consumers, registry.consumers_of(listener)),
        (0, Some(0))
    );
    assert_eq!(ConsumerId::new(TransportId(1 << 32), 1), None);
}

#[test]
fn a_router_names_the_transports_that_end_with_it() {
    let Pair {
        mut registry,
        router,
        speaker,
        listener,
        ..
    } = pair();
    let mut transports = registry.remove_router(router).unwrap();
    transports.sort();
    assert_eq!(transports, [speaker, listener]);
    for transport in transports {
        registry.remove_transport(transport);
    }
    assert_eq!(registry.counts(), Counts::default());
}

#[test]
fn nobody_hears_another_channel() {
    let Pair {
        mut registry,
        producer,
        listener,
        ..
    } = pair();
    let elsewhere = registry.add_router(ActiveSpeakers::new(Instant::now()));
    let stranger = transport(&mut registry, elsewhere);
    assert!(registry.share_router(producer, listener));
    assert!(!registry.share_router(producer, stranger));
    assert!(!registry.share_router(producer, TransportId(999)));
}

#[test]
fn a_question_is_answered_once_and_ends_with_its_transport() {
    let Pair {
        mut registry,
        speaker,
        listener,
        ..
    } = pair();
    for (request, transport) in [(1, speaker), (2, listener), (3, listener)] {
        registry.add_question(RequestId(request), transport, StatsOf::Transport(transport));
    }
    assert!(registry.answer(RequestId(2)));
    assert!(!registry.answer(RequestId(2)));
    let ended = registry.remove_transport(listener).unwrap();
    assert_eq!(
        ended.questions,
        [(RequestId(3), StatsOf::Transport(listener))]
    );
    assert_eq!(registry.questions(), 1);
}
