//! The statements of attachments: each finds its rows by a whole key, and the sweep by age.

use super::{MESSAGE, Other, other};
use crate::postgres::attachment::send::LOCK;
use crate::postgres::attachment::sweep::{DOOM, DOOM_SENT};

pub(super) fn others() -> Vec<Other> {
    let (by_id, unsent) = (("attachments", "attachments_pkey"), ("attachments", "attachments_unsent"));
    let by_message = ("attachments", "attachments_by_message");
    let doom = "'stored', '2026-01-01T00:01:00Z', 100";
    let sent = format!("'default', ARRAY[{MESSAGE}]::uuid[]");
    let wanted = format!("ARRAY['default'], ARRAY[{MESSAGE}]::uuid[]");
    vec![
        other(DOOM, "text, timestamptz, bigint", doom, vec![unsent, by_id]),
        other(DOOM_SENT, "text, uuid[]", sent, vec![by_message]),
        other(LOCK, "text[], uuid[]", wanted, vec![by_id]),
    ]
}
