//! Notes between agents: two sessions that are the same but for them look the same to their user, whatever it asks.
//!
//! What may differ is how far the counters have come, and with them when the session last changed: a gap may tell a user
//! that there is a note, and nothing else may. So each counter is replaced by its place among those that the user has
//! seen, and everything that is left has to be equal, byte for byte.

mod asked;
mod conversation;
mod ids;

use self::asked::{reads, writes};
use self::conversation::Conversation;

#[tokio::test]
async fn sessions_that_differ_in_notes_alone_look_the_same_to_their_user() {
    for places in [0b0001, 0b0010, 0b1000, 0b1010, 0b0101, 0b1111_u32] {
        let with = Conversation::held(places, true).await;
        let without = Conversation::held(places, false).await;
        assert_eq!(with.messages, without.messages, "both were made alike");
        assert_eq!(with.notes.len(), places.count_ones() as usize);
        for asked in reads() {
            let (shown, expected) = (with.ask(&asked).await, without.ask(&asked).await);
            assert_eq!(with.leveled(&shown), without.leveled(&expected), "{places:b} {asked:?}");
            assert!(!shown.text().contains("hidden"), "{}", shown.text());
        }
    }
}

#[tokio::test]
async fn what_a_user_does_comes_out_the_same_whatever_notes_there_are() {
    for places in [0b1, 0b1000, 0b1111] {
        let mut with = Conversation::held(places, true).await;
        let mut without = Conversation::held(places, false).await;
        let mut statuses = Vec::new();
        // Twice, so that the second time finds the session ended.
        for asked in writes().into_iter().chain(writes()) {
            let (done, expected) = (with.ask(&asked).await, without.ask(&asked).await);
            for (conversation, answer) in [(&mut with, &done), (&mut without, &expected)] {
                conversation.seqs.extend(answer.json()["seq"].as_i64());
                conversation.seqs.dedup();
            }
            assert_eq!(with.leveled(&done), without.leveled(&expected), "{places:b} {asked:?}");
            statuses.push(done.status.as_u16());
        }
        for status in [200, 201, 403, 409, 412] {
            assert!(statuses.contains(&status), "{status} was not met: {statuses:?}");
        }
        for asked in reads() {
            let (shown, expected) = (with.ask(&asked).await, without.ask(&asked).await);
            assert_eq!(with.leveled(&shown), without.leveled(&expected), "{places:b} {asked:?}");
        }
    }
}
