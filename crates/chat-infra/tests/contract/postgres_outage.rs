//! What a node says and does when PostgreSQL goes away, hangs, or loses its answers.

use std::time::Duration;

use chat_domain::access::View;
use chat_domain::deadline;
use chat_domain::error::RepositoryError;
use chat_domain::health::Probe as _;
use chat_domain::message::{AppendOutcome, PageQuery};
use chat_domain::session::{CreateOutcome, Session};
use chat_domain::testing::builder::{a_message, a_session};
use chat_infra::postgres::{PgConfig, PgStartError, PgStore};

use crate::postgres_proxy::Proxy;
use crate::postgres_server::{Database, admin, unlike_others};

/// Short, so that the tests that wait for it are; long enough for what is to go well before it.
const DEADLINE: Duration = Duration::from_secs(3);

/// Ends all other connections to a database, and waits until they have.
const KILL: &str = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// A node that reaches its database through a proxy, with a single connection.
struct Rig {
    store: PgStore,
    session: Session,
    proxy: Proxy,
    database: Database,
}

impl Rig {
    async fn start() -> Self {
        let database = Database::migrated().await;
        let proxy = Proxy::before(&database.url()).await;
        // Any server, so that one that turns read-only is met by statements too.
        let url = format!("{}?target_session_attrs=any", proxy.url(&database.url())).into();
        let config = PgConfig { url, max_connections: 1, deadline: DEADLINE, ..database.config() };
        let store = PgStore::connect(&config).await.unwrap();
        let CreateOutcome::Created(session) = store.sessions().create(a_session()).await.unwrap() else { panic!() };
        Self { store, session, proxy, database }
    }

    async fn append(&self) -> Result<Vec<AppendOutcome>, RepositoryError> {
        self.store.messages().append(vec![a_message(&self.session)]).await
    }

    async fn find(&self) -> Result<Option<Session>, RepositoryError> {
        self.store.sessions().find(&self.session.tenant_id, self.session.id).await
    }

    /// How many messages there are, as another node sees it.
    async fn stored(&self) -> usize {
        let page = PageQuery::newest(View::Full, 10);
        let other = self.database.node().await.pages();
        other.page(&self.session.tenant_id, self.session.id, &page).await.unwrap().unwrap().messages.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_server_has_ended_all_connections_the_next_call_works() {
    let rig = Rig::start().await;
    for _ in 0..3 {
        rig.database.tool().await.batch_execute(KILL).await.unwrap();
        assert!(rig.find().await.unwrap().is_some());
        rig.append().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_unavailable() {
    let rig = Rig::start().await;
    rig.proxy.stop();
    assert!(matches!(rig.find().await, Err(RepositoryError::Unavailable(_))));
    assert!(matches!(rig.append().await, Err(RepositoryError::Unavailable(_))));
    assert!(matches!(rig.store.probe().check().await, Err(RepositoryError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_an_answer_is_of_unknown_outcome_and_a_read_is_not() {
    let rig = Rig::start().await;
    rig.append().await.unwrap();
    rig.find().await.unwrap();
    rig.proxy.mute(true);
    assert!(matches!(rig.append().await, Err(RepositoryError::OutcomeUnknown(_))));
    assert!(matches!(rig.find().await, Err(RepositoryError::Unavailable(_))));
    rig.proxy.mute(false);
    assert_eq!(rig.stored().await, 2);
    rig.append().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_request_asks_for_ends_together() {
    let rig = Rig::start().await;
    rig.append().await.unwrap();
    rig.proxy.mute(true);
    let request = async {
        assert!(matches!(rig.find().await, Err(RepositoryError::Unavailable(_))));
        rig.proxy.counted();
        // Its time is over: the server is not even asked, and so it is known that nothing was written.
        assert!(matches!(rig.append().await, Err(RepositoryError::Unavailable(_))));
        assert_eq!(rig.proxy.counted(), (0, 0));
    };
    deadline::bounded(DEADLINE / 2, request).await;
    rig.proxy.mute(false);
    assert_eq!(rig.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_in_the_middle_of_a_write_leaves_its_outcome_unknown() {
    let rig = Rig::start().await;
    rig.append().await.unwrap();
    rig.proxy.cut(true);
    assert!(matches!(rig.append().await, Err(RepositoryError::OutcomeUnknown(_))));
    rig.proxy.cut(false);
    assert_eq!(rig.stored().await, 2);
    rig.append().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_reads_is_unavailable_to_writers() {
    let rig = Rig::start().await;
    let turn = async |how: &str| {
        let name = rig.database.name();
        let turn = format!("ALTER DATABASE {name} SET default_transaction_read_only = {how}");
        admin().await.batch_execute(&turn).await.unwrap();
        rig.database.tool().await.batch_execute(KILL).await.unwrap();
        assert!(rig.find().await.unwrap().is_some());
    };
    turn("on").await;
    assert!(matches!(rig.append().await, Err(RepositoryError::Unavailable(_))));
    turn("off").await;
    rig.append().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_free_slot_is_unavailable_and_refuses_a_start_in_one_line() {
    let database = Database::migrated().await;
    let (role, tool) = (unlike_others(), database.tool().await);
    let make =
        format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}");
    tool.batch_execute(&make).await.unwrap();
    let mut url = url::Url::parse(&database.url()).unwrap();
    url.set_username(&role).unwrap();
    let config = PgConfig { url: String::from(url).into(), deadline: DEADLINE, ..database.config() };
    // The probe keeps the only slot.
    let store = PgStore::connect(&config).await.unwrap();
    let session = a_session();
    let found = store.sessions().find(&session.tenant_id, session.id).await;
    assert!(matches!(found, Err(RepositoryError::Unavailable(_))), "{found:?}");
    let created = store.sessions().create(session).await;
    assert!(matches!(created, Err(RepositoryError::Unavailable(_))), "{created:?}");
    store.probe().check().await.unwrap();

    let refused = PgStore::connect(&config).await.err().unwrap();
    let causes = std::iter::successors(Some(&refused as &dyn std::error::Error), |error| error.source());
    let said: Vec<_> = causes.map(ToString::to_string).collect();
    assert!(said.join(": ").contains(&format!("too many connections for role \"{role}\"")), "{said:?}");
    assert!(said.iter().all(|line| line.lines().count() == 1), "{said:?}");
    drop(store);
    let drop_role = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    tool.batch_execute(KILL).await.unwrap();
    tool.batch_execute(&drop_role).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_shows_the_password() {
    let proxy = Proxy::before("postgres://127.0.0.1:1").await;
    let url = proxy.url("postgres://chat:open-sesame@127.0.0.1:1/none");
    proxy.stop();
    for url in [url, format!("postgres://chat:open-sesame@127.0.0.1:port/{}", unlike_others())] {
        let error = PgStore::connect(&PgConfig::new(url.into())).await.err().unwrap();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("open-sesame"), "{said}");
        assert!(matches!(error, PgStartError::Unreachable(_) | PgStartError::Url(_)));
    }
}
