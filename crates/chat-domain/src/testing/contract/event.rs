//! What an [`EventPublisher`](crate::event::EventPublisher) and an [`EventSubscriber`](crate::event::EventSubscriber)
//! promise together, while the bus works.

use std::collections::HashMap;
use std::future::poll_fn;

use super::stage::together;
use crate::clock::IdSource;
use crate::event::{ChangeKind, EventStream, SessionChanged};
use crate::testing::builder::{an_event, ids, tenant};
use crate::testing::rig::EventRig;

/// Runs the suite of a bus on an [`EventRig`](crate::testing::rig::EventRig):
/// `event_contract!(in_process, InProcessBusRig);`.
#[macro_export]
macro_rules! event_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as EventRig,
            event,
            [
                a_subscriber_gets_every_event_as_it_was_published,
                a_sessions_events_come_in_order,
                a_subscriber_gets_nothing_of_other_tenants,
                a_subscriber_gets_nothing_from_before_it_came,
                each_of_several_subscribers_gets_every_event,
                a_subscriber_that_goes_away_takes_nothing_from_the_others,
                a_publisher_needs_no_subscriber,
                events_cross_from_node_to_node,
                publishers_at_once_keep_each_sessions_order,
            ]
        );
    };
}

/// The next events of a stream.
async fn take<R: EventRig>(rig: &R, stream: &mut EventStream, count: usize) -> Vec<SessionChanged> {
    let mut events = Vec::new();
    while events.len() < count {
        let next = rig.within(poll_fn(|context| stream.as_mut().poll_next(context))).await;
        let next = next.unwrap_or_else(|| panic!("event {} of {count} never came", events.len() + 1));
        events.push(next.expect("the bus is still there"));
    }
    events
}

/// So many events of one session.
fn events(of_tenant: &str, count: i64) -> Vec<SessionChanged> {
    let session = ids().session_id();
    (1..=count).map(|rev| an_event(&tenant(of_tenant), session, rev)).collect()
}

/// Nothing is lost on the way and nothing is changed.
pub async fn a_subscriber_gets_every_event_as_it_was_published<R: EventRig>(rig: &R) {
    let (publisher, subscriber) = rig.node().await;
    let mut stream = subscriber.subscribe(&tenant("t")).await;
    for kind in [ChangeKind::Message, ChangeKind::Session] {
        for event in events("t", 2) {
            let event = SessionChanged { kind, ..event };
            publisher.publish(event.clone()).await;
            assert_eq!(take(rig, &mut stream, 1).await, [event]);
        }
    }
}

/// Events of one session arrive as they were published, also where nobody took them meanwhile.
pub async fn a_sessions_events_come_in_order<R: EventRig>(rig: &R) {
    let (publisher, subscriber) = rig.node().await;
    let mut stream = subscriber.subscribe(&tenant("t")).await;
    let sent = events("t", 50);
    for event in &sent {
        publisher.publish(event.clone()).await;
    }
    assert_eq!(take(rig, &mut stream, sent.len()).await, sent);
}

/// A tenant hears of itself alone, also where another one has a similar name.
pub async fn a_subscriber_gets_nothing_of_other_tenants<R: EventRig>(rig: &R) {
    let (publisher, subscriber) = rig.node().await;
    let mut stream = subscriber.subscribe(&tenant("t")).await;
    let own = events("t", 3);
    for event in &own {
        for other in ["T", "t1", "t:", "other"] {
            publisher.publish(SessionChanged { tenant_id: tenant(other), ..event.clone() }).await;
        }
        publisher.publish(event.clone()).await;
    }
    assert_eq!(take(rig, &mut stream, 3).await, own);
}

/// A subscription begins when it is made; what was before is read from the store.
pub async fn a_subscriber_gets_nothing_from_before_it_came<R: EventRig>(rig: &R) {
    let (publisher, subscriber) = rig.node().await;
    let mut early = subscriber.subscribe(&tenant("t")).await;
    let (before, after) = (events("t", 2), events("t", 2));
    for event in &before {
        publisher.publish(event.clone()).await;
    }
    // Once the early one has them, they are through the bus.
    assert_eq!(take(rig, &mut early, 2).await, before);
    let mut late = subscriber.subscribe(&tenant("t")).await;
    for event in &after {
        publisher.publish(event.clone()).await;
    }
    assert_eq!(take(rig, &mut late, 2).await, after);
    assert_eq!(take(rig, &mut early, 2).await, after);
}

/// An event is not used up by the first who takes it.
pub async fn each_of_several_subscribers_gets_every_event<R: EventRig>(rig: &R) {
    let (publisher, subscriber) = rig.node().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(subscriber.subscribe(&tenant("t")).await);
    }
    let sent = events("t", 5);
    for event in &sent {
        publisher.publish(event.clone()).await;
    }
    for stream in &mut streams {
        assert_eq!(take(rig, stream, 5).await, sent);
    }
}

/// One who leaves does not end the subscriptions of the others.
pub async fn a_subscriber_that_goes_away_takes_nothing_from_the_others<R: EventRig>(rig: &R) {
    let (publisher, subscriber) = rig.node().await;
    let leaving = subscriber.subscribe(&tenant("t")).await;
    let mut staying = subscriber.subscribe(&tenant("t")).await;
    let sent = events("t", 2);
    publisher.publish(sent[0].clone()).await;
    drop(leaving);
    publisher.publish(sent[1].clone()).await;
    assert_eq!(take(rig, &mut staying, 2).await, sent);
    let mut back = subscriber.subscribe(&tenant("t")).await;
    let again = events("t", 1);
    publisher.publish(again[0].clone()).await;
    assert_eq!(take(rig, &mut back, 1).await, again);
}

/// To publish where nobody listens is no fault, and does not hold up.
pub async fn a_publisher_needs_no_subscriber<R: EventRig>(rig: &R) {
    let (publisher, subscriber) = rig.node().await;
    for event in events("t", 200) {
        let published = rig.within(publisher.publish(event)).await;
        assert_eq!(published, Some(()), "a publisher waits for somebody");
    }
    let mut stream = subscriber.subscribe(&tenant("t")).await;
    let sent = events("t", 1);
    publisher.publish(sent[0].clone()).await;
    assert_eq!(take(rig, &mut stream, 1).await, sent);
}

/// What one node publishes is heard on every node, its own included.
pub async fn events_cross_from_node_to_node<R: EventRig>(rig: &R) {
    let (one, two) = (rig.node().await, rig.node().await);
    let mut streams = [one.1.subscribe(&tenant("t")).await, two.1.subscribe(&tenant("t")).await];
    for publisher in [one.0, two.0] {
        let sent = events("t", 3);
        for event in &sent {
            publisher.publish(event.clone()).await;
        }
        for stream in &mut streams {
            assert_eq!(take(rig, stream, 3).await, sent);
        }
    }
}

/// Many sessions at once are mixed, but none of them is out of order.
pub async fn publishers_at_once_keep_each_sessions_order<R: EventRig>(rig: &R) {
    let nodes = [rig.node().await, rig.node().await];
    let mut stream = nodes[0].1.subscribe(&tenant("t")).await;
    let sent: Vec<_> = (0..8).map(|_| events("t", 10)).collect();
    let publishers = sent.clone().into_iter().enumerate().map(|(n, events)| {
        let publisher = nodes[n % 2].0.clone();
        async move {
            for event in events {
                publisher.publish(event).await;
            }
        }
    });
    together(|task| rig.spawn(task), publishers).await;
    let mut arrived: HashMap<_, Vec<_>> = HashMap::new();
    for event in take(rig, &mut stream, 80).await {
        arrived.entry(event.session_id).or_default().push(event);
    }
    for events in sent {
        assert_eq!(arrived.remove(&events[0].session_id), Some(events));
    }
}
