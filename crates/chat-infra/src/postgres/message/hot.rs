//! The statements that nearly all requests need, run for nothing, so that a connection knows them.

use chat_domain::access::View;
use chat_domain::id::SessionId;
use chat_domain::message::{PageQuery, Window};
use chat_domain::query::Order;

use super::news::{self, NewsRow};
use super::plain::{Groups, Taken};
use super::read::{MixedRow, page};
use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;

/// No tenant is called so.
const NOBODY: &str = "";

/// Changes of no session, a batch of no messages, and pages of a session that is not there.
pub(in crate::postgres) async fn prepare(lease: &mut Lease) -> Result<(), Failure> {
    let _: Vec<NewsRow> = lease.load("prepare news", news::statement(&[], &[]), Loss::Nothing).await?;
    if let Some(none) = Groups::of(&[]) {
        let _: Vec<Taken> = lease.load("prepare append", none.statement(), Loss::Nothing).await?;
    }
    for view in [View::Public, View::Full] {
        for order in [Order::Asc, Order::Desc] {
            let query = PageQuery { view, include_deleted: false, order, limit: 1, window: Window::Offset(0) };
            let nothing = page(NOBODY, SessionId::new(uuid::Uuid::nil()), &query);
            let _: Vec<MixedRow> = lease.load("prepare page", nothing, Loss::Nothing).await?;
        }
    }
    Ok(())
}
