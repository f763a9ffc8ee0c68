//! What the routes of extensions take and show.

use chat_domain::extension::{Extension, ExtensionDraft, ExtensionPage};
use chat_domain::message::HistoryDraft;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::extract::{body, parameters};
use crate::link::Links;
use crate::routes::message::ExtensionView;

/// Extensions, one view made after the other while they are written.
pub(super) struct ExtensionList<'a>(pub(super) &'a [Extension]);

impl Serialize for ExtensionList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ExtensionView::from))
    }
}

body! {
    /// What is hung on a message.
    #[schema(example = json!({"extension_type": "translation", "data": {"en": "hello"}}))]
    pub(crate) struct CreateExtension {
        /// A name of the client's own: `attachment`, `reaction` and `edit_history` are made otherwise.
        #[schema(value_type = String, required = true, pattern = "^[a-z][a-z0-9_.-]{0,63}$")]
        extension_type: String,
        /// What it says: at most 16 KiB as serialised and 16 levels deep, without U+0000 and doubled names.
        #[schema(value_type = Object, required = true)]
        data: Box<RawValue>,
    }
    faults(this, _media, _caller) { this.draft().faults() }
}

impl CreateExtension {
    pub(super) fn draft(self) -> ExtensionDraft {
        ExtensionDraft { extension_type: self.extension_type, data: self.data }
    }
}

parameters! {
    /// Which earlier versions of a message's text are listed.
    pub(crate) struct ListExtensions {
        /// How many earlier versions, at most. All else that hangs on the message stands on the first page.
        #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 100)]
        limit,
        /// Only versions behind so many of the oldest, and nothing else.
        #[param(value_type = Option<i64>, minimum = 0)]
        after,
    }
    faults(this, _caller) { this.draft().faults() }
}

impl ListExtensions {
    /// How many are asked for, as it was sent.
    pub(super) fn limit(&self) -> Option<&str> {
        self.limit.as_deref()
    }

    pub(super) fn draft(&self) -> HistoryDraft {
        HistoryDraft { limit: self.limit.clone(), after: self.after.clone() }
    }
}

/// The pages around one page.
pub(super) fn links(mut links: Links, page: &ExtensionPage) -> Links {
    for (rel, query) in [("next", &page.next), ("prev", &page.prev)] {
        if let Some(query) = query {
            let (limit, after) = (query.limit.to_string(), query.after.to_string());
            links.add(rel, &[("limit", Some(&limit)), ("after", Some(&after))]);
        }
    }
    links
}
