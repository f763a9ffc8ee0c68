//! Clients that write and read all the time, and write down what they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Answer, Client, PATIENCE, Request, Silence};
use crate::failure::{Failure, Outcome};
use crate::history::{Deletion, Gone, Message, PAGE, Post, Read, Recorder, Tally, Told};
use crate::node::Address;
use crate::noise::noise;
use crate::wait;

/// After a failure a client waits this long, so that a node that is down does not make clients spin.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
/// One writer in so many deletes messages: one in three of those that it has sent, as soon as it is acknowledged.
const DELETERS: usize = 10;
const DELETED: usize = 3;
/// What a load is waited for, at most.
const WAIT: Duration = Duration::from_mins(2);

/// How much is asked. The defaults keep a small machine half idle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Clients that write, for each node.
    pub(crate) writers: usize,
    /// Clients that read, for each node.
    pub(crate) readers: usize,
    /// Between two requests of one client.
    pub(crate) pause: Duration,
    /// Length of a message.
    pub(crate) content: usize,
    /// How long a client waits for an answer.
    pub(crate) patience: Duration,
    /// Whether one writer in ten deletes messages, too.
    pub(crate) deletes: bool,
    /// Whether each client asks once, all of them at the same time, each on a connection of its own.
    pub(crate) once: bool,
}

impl Size {
    /// Clients of each node, each of which has one request at a time.
    pub(crate) const fn clients(&self) -> usize {
        self.writers + self.readers
    }
}

impl Default for Size {
    fn default() -> Self {
        let pause = Duration::from_millis(5);
        Self { writers: 4, readers: 2, pause, content: 200, patience: PATIENCE, deletes: true, once: false }
    }
}

/// A load that runs.
#[derive(Debug)]
pub(crate) struct Load {
    clients: JoinSet<()>,
    stop: watch::Sender<bool>,
    recorder: Recorder,
}

/// What one client does all the time.
#[derive(Debug, Clone, Copy)]
enum Job {
    Write,
    Read,
}

/// What one client works with.
#[derive(Debug, Clone)]
struct Worker {
    client: Client,
    address: Address,
    node: usize,
    sessions: Arc<[String]>,
    size: Size,
    recorder: Recorder,
    stop: watch::Receiver<bool>,
    names: Arc<AtomicUsize>,
}

impl Load {
    /// Starts clients for each of these nodes, on these sessions. Names make contents and keys unlike all others.
    pub(crate) fn start(
        nodes: &[Address],
        sessions: &[String],
        size: Size,
        recorder: Recorder,
        names: &Arc<AtomicUsize>,
    ) -> Outcome<Self> {
        let stop = watch::Sender::new(false);
        let mut clients = JoinSet::new();
        for (node, address) in nodes.iter().enumerate() {
            let worker = Worker {
                client: Client::with_patience(size.patience)?,
                address: address.clone(),
                node,
                sessions: sessions.into(),
                size,
                recorder: recorder.clone(),
                stop: stop.subscribe(),
                names: Arc::clone(names),
            };
            for number in 0..size.writers {
                clients.spawn(worker.clone().go_on(Job::Write, number));
            }
            for number in 0..size.readers {
                clients.spawn(worker.clone().go_on(Job::Read, number));
            }
        }
        Ok(Self { clients, stop, recorder })
    }

    pub(crate) fn tally(&self) -> Tally {
        self.recorder.tally()
    }

    /// Waits until so many more messages are acknowledged.
    pub(crate) async fn stored(&self, more: usize) -> Outcome {
        let wanted = self.tally().stored + more;
        self.until("messages to be stored", |tally| tally.stored >= wanted).await
    }

    /// Waits until so many more requests have come to nothing.
    pub(crate) async fn refused(&self, more: usize) -> Outcome {
        let wanted = self.tally().harmed() + more;
        self.until("requests to be refused", |tally| tally.harmed() >= wanted).await
    }

    /// Waits until the tally is so.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Tally) -> bool) -> Outcome {
        wait::until(what, WAIT, async || Ok(so(&self.tally()))).await
    }

    /// Stops the clients; each waits for the answer that it is owed.
    pub(crate) async fn stop(mut self) -> Outcome {
        self.stop.send_replace(true);
        while let Some(ended) = self.clients.join_next().await {
            ended.map_err(|error| Failure::other(error.to_string()))?;
        }
        Ok(())
    }
}

impl Worker {
    fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    fn session(&self, turn: usize) -> String {
        let count = self.sessions.len().max(1);
        self.sessions.get(turn % count).cloned().unwrap_or_default()
    }

    async fn go_on(self, job: Job, number: usize) {
        for turn in number.. {
            if self.stopped() {
                return;
            }
            let well = match (self.address.get(), job) {
                (None, _) => false,
                (Some(node), Job::Write) => {
                    let deletes = self.size.deletes && number.is_multiple_of(DELETERS) && turn.is_multiple_of(DELETED);
                    self.write_one(&node, self.session(turn), deletes).await
                }
                (Some(node), Job::Read) => self.read_one(&node, self.session(turn), turn % 3 == 0).await,
            };
            if self.size.once {
                return;
            }
            sleep(if well { self.size.pause } else { AFTER_FAILURE }).await;
        }
    }

    /// Whether it was stored, and deleted where it was to be.
    async fn write_one(&self, node: &str, session: String, deletes: bool) -> bool {
        let name = self.names.fetch_add(1, Ordering::Relaxed);
        let key = format!("m-{name}");
        let content = format!("{key} {}", noise(name, self.size.content));
        let request = Request::message(&session, &key, &content);
        let began = self.recorder.now();
        let answer = self.client.ask(node, &request).await;
        let ended = self.recorder.now();
        let (told, took) = self.told(answer);
        let stored = if let Told::Stored(message) = &told { Some(message.clone()) } else { None };
        self.recorder.post(Post { session, key, content, began, ended, told }, took);
        match stored {
            Some(message) if deletes => self.delete_one(node, message).await,
            stored => stored.is_some(),
        }
    }

    /// Whether it was deleted.
    async fn delete_one(&self, node: &str, message: Message) -> bool {
        let began = self.recorder.now();
        let answer = self.client.ask(node, &Request::delete(&message.id)).await;
        let ended = self.recorder.now();
        let (gone, took) = match answer {
            Ok(answer) => (self.gone(&answer), answer.took),
            Err(silence) => {
                (if silence.sent { Gone::Nothing } else { Gone::Refused }, self.silent("deletion", &silence))
            }
        };
        self.recorder.deletion(Deletion { message, began, ended, gone }, took);
        matches!(gone, Gone::Deleted { .. })
    }

    /// What an answer to a deletion means.
    fn gone(&self, answer: &Answer) -> Gone {
        match (answer.status, Message::of(&answer.body)) {
            (200, Some(tombstone)) if tombstone.deleted => Gone::Deleted { rev: tombstone.rev },
            _ if answer.is_promised_refusal() && answer.code() == "outcome_unknown" => Gone::Nothing,
            _ if answer.is_promised_refusal() || self.may_turn_away(answer) => Gone::Refused,
            _ => {
                self.surprised("deletion", answer);
                Gone::Nothing
            }
        }
    }

    /// What an answer to a post means.
    fn told(&self, answer: Result<Answer, Silence>) -> (Told, Duration) {
        match answer {
            Ok(answer) if self.may_turn_away(&answer) => (Told::Refused, answer.took),
            Ok(answer) => (told(&answer).unwrap_or_else(|| self.surprised("post", &answer)), answer.took),
            Err(silence) => {
                let told = if silence.sent { Told::Nothing } else { Told::Refused };
                (told, self.silent("post", &silence))
            }
        }
    }

    /// Whether this is what a node may say that was asked to end; of any other it is a surprise.
    fn may_turn_away(&self, answer: &Answer) -> bool {
        answer.turns_away() && self.address.was_asked_to_end()
    }

    /// Writes down why there was no answer, unless this client is one that does not wait for it; how long it waited.
    fn silent(&self, what: &str, silence: &Silence) -> Duration {
        let by_choice = silence.timed_out && self.size.patience < PATIENCE;
        if !by_choice {
            self.recorder.silence(format!("a {what} had {}", silence.why));
        }
        silence.took
    }

    fn surprised(&self, what: &str, answer: &Answer) -> Told {
        let retry = if answer.says_when { "with" } else { "without" };
        let kind = format!("a {what} was answered with {} {}, {retry} Retry-After", answer.status, answer.code());
        self.recorder.surprise(kind, answer.body.to_string().chars().take(300).collect());
        Told::Nothing
    }

    /// Whether it was answered. Read as a list, or as a session with its newest messages.
    async fn read_one(&self, node: &str, session: String, as_list: bool) -> bool {
        let path = if as_list {
            format!("/api/v1/sessions/{session}/messages?order=desc&limit={PAGE}")
        } else {
            format!("/api/v1/sessions/{session}?message_limit={PAGE}")
        };
        let began = self.recorder.now();
        let answer = self.client.ask(node, &Request::get(path)).await;
        let ended = self.recorder.now();
        match answer {
            Ok(answer) if answer.status == 200 => {
                let Some((rev, page)) = page(&answer, as_list) else {
                    self.surprised("read", &answer);
                    return false;
                };
                self.recorder.read(Read { session, node: self.node, began, ended, rev, page }, answer.took);
                true
            }
            Ok(answer) => {
                let told = answer.is_promised_refusal() && answer.code() != "outcome_unknown";
                if !told && !self.may_turn_away(&answer) {
                    self.surprised("read", &answer);
                }
                self.recorder.failed_read(answer.took);
                false
            }
            Err(silence) => {
                self.recorder.failed_read(self.silent("read", &silence));
                false
            }
        }
    }
}

/// What an answer to a post means; `None` where it is none of those that are promised.
pub(crate) fn told(answer: &Answer) -> Option<Told> {
    match answer.status {
        201 => Message::of(&answer.body).map(Told::Stored),
        _ if !answer.is_promised_refusal() => None,
        _ if answer.code() == "outcome_unknown" => Some(Told::Nothing),
        _ => Some(Told::Refused),
    }
}

type Page = (Option<i64>, Vec<(i64, u64)>);

fn page(answer: &Answer, as_list: bool) -> Option<Page> {
    let (rev, messages) = if as_list {
        let mut messages = Message::list(&answer.body)?;
        messages.reverse();
        (None, messages)
    } else {
        (Some(answer.body.get("rev")?.as_i64()?), Message::list(answer.body.get("messages")?)?)
    };
    Some((rev, messages.into_iter().map(|message| (message.seq, message.digest)).collect()))
}
