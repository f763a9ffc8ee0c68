//! What shared questions about health promise: one at a time, and no answer from before the question.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use chat_domain::testing::fake::FakeProbe;
use chat_infra::decorator::SharedProbe;
use futures_util::future::join_all;
use futures_util::poll;

use crate::decorator_doubles::{Gate, OnPurpose, within};

/// A probe that waits at a gate; what is probed goes away and comes back from one question to the next.
struct Gated {
    gate: Gate,
    asked: AtomicUsize,
}

impl Gated {
    fn new(gate: Gate) -> Arc<Self> {
        Arc::new(Self { gate, asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Probe for Gated {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        self.gate.pass().await;
        if number.is_multiple_of(2) { Ok(Pulse::default()) } else { Err(RepositoryError::unavailable(OnPurpose)) }
    }
}

#[tokio::test]
async fn all_who_wait_share_one_question() {
    let inner = Gated::new(Gate::closed());
    let shared = SharedProbe::new(inner.clone(), Duration::from_mins(1));
    let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(shared.check())).collect();
    for asking in &mut waiting {
        assert!(poll!(asking).is_pending());
    }
    // One that hangs up takes nobody along, not even who began.
    drop(waiting.remove(0));
    inner.gate.open_for_good();
    assert!(within(join_all(waiting)).await.iter().all(Result::is_ok));
    assert_eq!(inner.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn each_who_asks_after_an_answer_asks_anew() {
    let inner = Gated::new(Gate::open());
    let shared = SharedProbe::new(inner, Duration::from_mins(1));
    for number in 0..6 {
        assert_eq!(within(shared.check()).await.is_ok(), number % 2 == 0, "{number}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_waited_for_is_not_given_to_who_comes_later() {
    let inner = Gated::new(Gate::closed());
    let shared = SharedProbe::new(inner.clone(), Duration::from_mins(1));
    let mut left = Box::pin(shared.check());
    assert!(poll!(&mut left).is_pending());
    inner.gate.arrived(1).await;
    drop(left);
    inner.gate.let_on(1);
    // Until the first answer is there, whoever asks would join it.
    let later = async {
        while inner.asked.load(Ordering::SeqCst) < 2 {
            inner.gate.let_on(1);
            _ = shared.check().await;
        }
    };
    within(later).await;
}

#[tokio::test]
async fn what_hangs_is_unavailable_and_asked_again_later() {
    let shared = SharedProbe::new(Arc::new(FakeProbe::Hanging), Duration::from_millis(50));
    for _ in 0..2 {
        let answer = within(shared.check()).await;
        assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
    }
}

/// A probe that panics.
struct Panicking;

#[async_trait]
impl Probe for Panicking {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn a_probe_that_panics_is_an_answer() {
    let shared = SharedProbe::new(Arc::new(Panicking), Duration::from_mins(1));
    for _ in 0..2 {
        assert!(within(shared.check()).await.is_err());
    }
}
