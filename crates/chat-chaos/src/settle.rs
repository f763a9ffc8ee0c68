//! The end of a case: what is unknown is asked again under its key, and everything is read and checked.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::client::Request;
use crate::failure::{Failure, Outcome};
use crate::history::{Message, Post, Stored, Told, violations};
use crate::load::told;
use crate::process::TICK;
use crate::world::World;

/// How long a store that is well again may keep a retry or a read waiting.
const PATIENCE: Duration = Duration::from_mins(1);
const PAGE: usize = 1_000;
/// Of many violations of one kind the first few tell enough.
const TOLD: usize = 10;

/// Checks before and after the retries; what was broken, in words.
pub(crate) async fn settle(world: &World) -> Outcome<Vec<String>> {
    let (mut posts, deletions, reads) = (world.recorder.posts(), world.recorder.deletions(), world.recorder.reads());
    let before = stored(world, 0).await?;
    let mut found = violations(&posts, &deletions, &reads, &before);
    let mut broken = Vec::new();
    for post in posts.iter_mut().filter(|post| post.told == Told::Nothing) {
        match retry(world, post).await? {
            Told::Stored(message) => {
                post.told = Told::Stored(message);
                post.ended = world.recorder.now();
            }
            told => broken.push(format!("a retry of {} was answered with {told:?}", post.key)),
        }
    }
    for node in 0..world.nodes.len() {
        found.extend(violations(&posts, &deletions, &reads, &stored(world, node).await?));
    }
    let mut words: Vec<_> = found.iter().map(ToString::to_string).collect();
    words.sort();
    words.dedup();
    let more = words.len().saturating_sub(TOLD);
    broken.extend(words.into_iter().take(TOLD));
    if more > 0 {
        broken.push(format!("and {more} more"));
    }
    Ok(broken)
}

/// Sends the same again under the same key, until it is stored or refused for good.
async fn retry(world: &World, post: &Post) -> Outcome<Told> {
    let request = Request::message(&post.session, &post.key, &post.content);
    let answer = patient(world, 0, &request).await?;
    Ok(told(&answer).unwrap_or(Told::Refused))
}

/// All that a node has, session by session.
async fn stored(world: &World, node: usize) -> Outcome<HashMap<String, Stored>> {
    let mut all = HashMap::new();
    for session in &world.sessions {
        let answer = patient(world, node, &Request::get(format!("/api/v1/sessions/{session}?message_limit=0"))).await?;
        let rev = answer.body.get("rev").and_then(serde_json::Value::as_i64);
        let rev = rev.ok_or_else(|| Failure::other(format!("a session cannot be read: {}", answer.body)))?;
        all.insert(session.clone(), Stored { rev, messages: messages(world, node, session).await? });
    }
    Ok(all)
}

async fn messages(world: &World, node: usize, session: &str) -> Outcome<Vec<Message>> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.seq);
        let path = format!("/api/v1/sessions/{session}/messages?after={after}&limit={PAGE}&include_deleted=true");
        let answer = patient(world, node, &Request::get(path)).await?;
        let page = Message::list(&answer.body);
        match page.ok_or_else(|| Failure::other(format!("a list cannot be read: {}", answer.body)))? {
            page if page.is_empty() => return Ok(all),
            page => all.extend(page),
        }
    }
}

/// Asks until the answer is something else than a passing refusal.
async fn patient(world: &World, node: usize, request: &Request) -> Outcome<crate::client::Answer> {
    let until = Instant::now() + PATIENCE;
    loop {
        match world.ask(node, request).await {
            Ok(answer) if !answer.is_promised_refusal() => return Ok(answer),
            Ok(_) | Err(_) if Instant::now() < until => sleep(TICK).await,
            Ok(answer) => return Err(Failure::other(format!("{}: {}", answer.status, answer.body))),
            Err(failure) => return Err(failure),
        }
    }
}
