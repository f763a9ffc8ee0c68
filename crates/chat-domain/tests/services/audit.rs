//! Who did what: what is recorded, what is told to the log, and who may read it.

use chat_domain::access::{Caller, EDIT_WINDOW_SECONDS, Role};
use chat_domain::audit::{AuditDraft, AuditEntry, AuditError, AuditPage};
use chat_domain::clock::Clock;
use chat_domain::message::{MessageDraft, MessagePatch};
use chat_domain::precondition::Precondition;
use chat_domain::session::{SessionDraft, SessionPatch, UserSessionsDraft};

use crate::house::{
    House, as_agent, as_role, as_service, as_stranger, as_user, key, message_draft, session_draft, text,
};

async fn audit(house: &House, caller: &Caller) -> Result<Vec<AuditEntry>, AuditError> {
    house.audit.list(caller, AuditDraft::default()).await.map(|page| page.entries)
}

/// What the log was told since this was asked last.
struct Told(usize);

impl Told {
    fn since(&mut self, house: &House) -> Vec<String> {
        let all = house.log.told();
        let new = all[self.0..].to_vec();
        self.0 = all.len();
        new
    }
}

#[tokio::test]
async fn who_deletes_what_another_wrote_stands_in_the_audit() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    house.clock.advance_seconds(7);
    house.messages.remove(&as_role(Role::Supervisor, "sue"), message.id, Precondition::None).await.unwrap();
    let entries = audit(&house, &as_role(Role::Admin, "al")).await.unwrap();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    let expected = AuditEntry {
        id: entry.id,
        tenant_id: session.tenant_id,
        created_at: house.clock.now(),
        actor_id: "sue".parse().unwrap(),
        actor_role: Role::Supervisor,
        action: "delete_message".into(),
        thing_kind: "message".into(),
        thing_id: message.id.to_string(),
        session_id: Some(session.id),
    };
    assert_eq!(*entry, expected);
}

#[tokio::test]
async fn what_is_done_to_ones_own_and_what_changes_nothing_is_not_in_the_audit() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let [own, others] =
        [house.says(&as_user("ann"), session.id, "own").await, house.says(&as_user("ann"), session.id, "others").await];
    house.messages.remove(&as_user("ann"), own.id, Precondition::None).await.unwrap();
    for _ in 0..2 {
        house.messages.remove(&as_service(), others.id, Precondition::None).await.unwrap();
        house.messages.remove(&as_service(), own.id, Precondition::None).await.unwrap();
    }
    house.messages.remove(&as_agent("anna"), others.id, Precondition::None).await.unwrap_err();
    let entries = audit(&house, &as_role(Role::Admin, "al")).await.unwrap();
    let recorded: Vec<_> = entries.iter().map(|entry| entry.thing_id.clone()).collect();
    assert_eq!(recorded, [others.id.to_string()]);
}

#[tokio::test]
async fn what_an_admin_writes_as_another_stands_in_the_audit_and_the_log_once() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let mut told = Told(0);
    told.since(&house);
    let al = as_role(Role::Admin, "al");
    let as_ann =
        || MessageDraft { sender_type: text("user"), sender_id: text("ann"), ..message_draft("I take it back") };
    house.clock.advance_seconds(7);
    let mut message = house.messages.create(&al, session.id, as_ann(), Some(&key("k"))).await.unwrap().value;
    let written_at = house.clock.now();
    for _ in 0..2 {
        house.clock.advance_seconds(1);
        message = house.messages.create(&al, session.id, as_ann(), Some(&key("k"))).await.unwrap().value;
    }
    assert_eq!(told.since(&house), [format!("done admin al write_message message {}", message.id)]);
    let entries = audit(&house, &al).await.unwrap();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    let expected = AuditEntry {
        id: entry.id,
        tenant_id: session.tenant_id,
        created_at: written_at,
        actor_id: "al".parse().unwrap(),
        actor_role: Role::Admin,
        action: "write_message".into(),
        thing_kind: "message".into(),
        thing_id: message.id.to_string(),
        session_id: Some(session.id),
    };
    assert_eq!(*entry, expected);
}

#[tokio::test]
async fn what_is_written_as_oneself_and_what_services_write_is_in_neither_audit_nor_log() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let mut told = Told(0);
    told.since(&house);
    let al = as_role(Role::Admin, "al");
    for caller in [as_user("ann"), as_agent("anna"), as_role(Role::Supervisor, "sue"), al.clone()] {
        house.says(&caller, session.id, "own").await;
    }
    let note = MessageDraft { visibility: text("internal"), ..message_draft("careful") };
    house.messages.create(&al, session.id, note, None).await.unwrap();
    let of_a_bot = MessageDraft { sender_type: text("agent"), sender_id: text("bot"), ..message_draft("beep") };
    house.messages.create(&as_service(), session.id, of_a_bot, None).await.unwrap();
    assert_eq!(told.since(&house), [""; 0]);
    assert_eq!(audit(&house, &al).await.unwrap(), []);
}

#[tokio::test]
async fn that_the_audit_was_read_is_told_to_the_log() {
    let house = House::new();
    let mut told = Told(0);
    audit(&house, &as_role(Role::Admin, "al")).await.unwrap();
    assert_eq!(told.since(&house), ["done admin al list_audit tenant default"]);
    let bad = AuditDraft { limit: Some("0".to_owned()), ..AuditDraft::default() };
    house.audit.list(&as_role(Role::Admin, "al"), bad).await.unwrap_err();
    assert_eq!(told.since(&house), [""; 0]);
}

#[tokio::test]
async fn only_an_admin_of_the_tenant_reads_the_audit() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    house.messages.remove(&as_service(), message.id, Precondition::None).await.unwrap();
    for role in Role::ALL {
        let read = audit(&house, &as_role(role, "me")).await;
        match role {
            Role::Admin => assert_eq!(read.unwrap().len(), 1),
            _ => assert!(matches!(read, Err(AuditError::Forbidden)), "{role}: {read:?}"),
        }
    }
    let stranger = Caller::new(as_stranger().tenant().clone(), "al".parse().unwrap(), Role::Admin);
    let page = house.audit.list(&stranger, AuditDraft::default()).await.unwrap();
    assert_eq!(page, AuditPage::default());
}

#[tokio::test]
async fn each_change_of_a_session_and_each_deletion_is_told_to_the_log_once() {
    let house = House::new();
    let mut told = Told(0);
    let (ann, anna) = (as_user("ann"), as_agent("anna"));
    let mut session = house.session_of("ann").await;
    for _ in 0..2 {
        let made = house.sessions.create(&ann, session_draft("ann"), Some(&key("k"))).await.unwrap();
        session = made.value.session;
    }
    let lines = told.since(&house);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1], format!("done user ann create_session session {}", session.id));

    let message = house.says(&ann, session.id, "hello").await;
    house.notes(session.id, "careful").await;
    assert_eq!(told.since(&house), [""; 0], "what is written in the own name says by itself who wrote it");

    for _ in 0..2 {
        house.messages.remove(&ann, message.id, Precondition::None).await.unwrap();
        let patch = SessionPatch { agent_id: text("anna"), ..SessionPatch::default() };
        house.sessions.update(&anna, session.id, patch, Precondition::None).await.unwrap();
        let patch = SessionPatch { status: text("ended"), ..SessionPatch::default() };
        house.sessions.update(&ann, session.id, patch, Precondition::None).await.unwrap();
        house.sessions.end(&ann, session.id, Precondition::None, None).await.unwrap();
    }
    let expected = [
        format!("done user ann delete_message message {}", message.id),
        format!("done agent anna update_session session {}", session.id),
        format!("done user ann end_session session {}", session.id),
    ];
    assert_eq!(told.since(&house), expected);
}

#[tokio::test]
async fn what_is_forbidden_is_told_to_the_log_and_what_is_hidden_is_not() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let mut told = Told(0);
    told.since(&house);
    let (ann, eve) = (as_user("ann"), as_user("eve"));

    house.sessions.create(&eve, session_draft("ann"), None).await.unwrap_err();
    let with_agent = SessionDraft { agent_id: text("anna"), ..session_draft("eve") };
    house.sessions.create(&eve, with_agent, None).await.unwrap_err();
    house.sessions.list_of_user(&eve, "ann".parse().unwrap(), UserSessionsDraft::default()).await.unwrap_err();
    let patch = || SessionPatch { status: text("waiting"), ..SessionPatch::default() };
    house.sessions.update(&ann, session.id, patch(), Precondition::None).await.unwrap_err();
    let note = MessageDraft { visibility: text("internal"), ..message_draft("x") };
    house.messages.create(&ann, session.id, note, None).await.unwrap_err();
    let forged = MessageDraft { sender_id: text("bob"), ..message_draft("x") };
    house.messages.create(&as_agent("anna"), session.id, forged, None).await.unwrap_err();
    house.clock.advance_seconds(EDIT_WINDOW_SECONDS + 1);
    house.messages.remove(&ann, message.id, Precondition::None).await.unwrap_err();
    audit(&house, &ann).await.unwrap_err();
    house.figures.may_read(&as_agent("anna")).unwrap_err();
    let expected = [
        "denied user eve create_session user ann".to_owned(),
        "denied user eve update_session user eve".to_owned(),
        "denied user eve list_user_sessions user ann".to_owned(),
        format!("denied user ann update_session session {}", session.id),
        format!("denied user ann write_internal session {}", session.id),
        format!("denied agent anna write_message session {}", session.id),
        format!("denied user ann delete_message message {}", message.id),
        "denied user ann list_audit tenant default".to_owned(),
        "denied agent anna read_metrics figures all".to_owned(),
    ];
    assert_eq!(told.since(&house), expected);

    house.sessions.find(&eve, session.id).await.unwrap_err();
    house.sessions.update(&eve, session.id, patch(), Precondition::None).await.unwrap_err();
    house.sessions.end(&as_stranger(), session.id, Precondition::None, None).await.unwrap_err();
    house.messages.find(&eve, message.id).await.unwrap_err();
    house.messages.create(&eve, session.id, message_draft("x"), None).await.unwrap_err();
    assert_eq!(told.since(&house), [""; 0]);
}

#[tokio::test]
async fn who_edits_what_another_wrote_and_who_restores_stands_in_the_audit_and_the_log() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let (al, sue) = (as_role(Role::Admin, "al"), as_role(Role::Supervisor, "sue"));
    let to = |content: &str| MessagePatch { content: text(content), ..MessagePatch::default() };
    let mut told = Told(0);
    told.since(&house);
    let edit =
        async |caller: &Caller, content| house.messages.edit(caller, message.id, to(content), Precondition::None).await;
    edit(&as_user("ann"), "her own").await.unwrap();
    edit(&al, "another").await.unwrap();
    edit(&al, "another").await.unwrap();
    edit(&sue, "not hers").await.unwrap_err();
    let restore = async |caller| house.messages.restore(caller, message.id, Precondition::None, None).await;
    house.messages.remove(&as_user("ann"), message.id, Precondition::None).await.unwrap();
    restore(&sue).await.unwrap();
    restore(&sue).await.unwrap();
    let entries = audit(&house, &al).await.unwrap();
    let recorded: Vec<_> = entries.iter().map(|entry| (entry.actor_id.as_str(), &*entry.action)).collect();
    assert_eq!(recorded, [("sue", "restore_message"), ("al", "edit_message")]);
    assert!(entries.iter().all(|entry| entry.thing_id == message.id.to_string()));
    let of_message = |what: &str| format!("{what} message {}", message.id);
    let lines = told.since(&house);
    let expected = [
        "done user ann edit_message",
        "done admin al edit_message",
        "denied supervisor sue edit_message",
        "done user ann delete_message",
        "done supervisor sue restore_message",
    ];
    assert_eq!(lines[..5], expected.map(of_message));
}
