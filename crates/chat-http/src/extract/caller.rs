//! Who calls: what the gate has found out.

use chat_domain::access::Caller;

use super::{Part, Reading};
use crate::gate;
use crate::problem::Problem;

impl Part for Caller {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let caller = gate::caller(&from.request, &mut from.faults)?;
        from.caller.clone_from(&caller);
        Ok(caller)
    }
}
