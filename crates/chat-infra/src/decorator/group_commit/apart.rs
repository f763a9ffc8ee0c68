//! A batch cut so that sessions do not depend on each other.

use std::collections::HashSet;

use chat_domain::id::SessionId;

use super::queue::Job;

/// One part for each session, in the order in which they were sent. Sessions to which one caller sent together make one
/// part: what a caller sends together stays together.
pub(super) fn by_session(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut parts: Vec<Part> = Vec::new();
    for (place, job) in jobs.into_iter().enumerate() {
        let mut part = Part::of(place, job);
        for met in parts.extract_if(.., |other| !other.sessions.is_disjoint(&part.sessions)).collect::<Vec<_>>() {
            part.sessions.extend(met.sessions);
            part.jobs.extend(met.jobs);
        }
        parts.push(part);
    }
    parts.into_iter().map(Part::in_order).collect()
}

struct Part {
    sessions: HashSet<SessionId>,
    jobs: Vec<(usize, Job)>,
}

impl Part {
    fn of(place: usize, job: Job) -> Self {
        Self { sessions: job.messages.iter().map(|message| message.session_id).collect(), jobs: vec![(place, job)] }
    }

    fn in_order(mut self) -> Vec<Job> {
        self.jobs.sort_unstable_by_key(|(place, _)| *place);
        self.jobs.into_iter().map(|(_, job)| job).collect()
    }
}
