//! The servers and nodes of one case, and ways to look at them from outside.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use serde_json::Value;

use crate::case::Store;
use crate::client::{Answer, Client, Request};
use crate::failure::{Failure, Outcome};
use crate::history::Recorder;
use crate::load::{Load, Size};
use crate::node::{Address, Node};
use crate::postgres::{Postgres, SERVICE};
use crate::proxy::Proxy;
use crate::redis::Redis;
use crate::shim::Shim;
use crate::stage::Stage;
use crate::wait::until;

/// Sessions that a load works on.
const SESSIONS: usize = 4;
const PATIENCE: Duration = Duration::from_mins(1);

/// Whether nodes are told of a Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// They are not.
    None,
    /// They are, and it runs.
    Present,
    /// They are, and it does not run yet.
    Absent,
}

/// What a case needs.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Nodes that are started; on SQLite there is one, whatever this says.
    pub(crate) nodes: usize,
    /// Whether there is a Redis.
    pub(crate) redis: Cache,
    /// Settings of all nodes.
    pub(crate) settings: Vec<(String, String)>,
    /// Settings of PostgreSQL.
    pub(crate) postgres: Vec<String>,
    /// What goes between PostgreSQL and its disk.
    pub(crate) postgres_shim: Option<Shim>,
    /// Settings of one node alone.
    pub(crate) alone: Vec<(usize, String, String)>,
    /// The soft limit of open files that nodes start with; the suite's own where there is none.
    pub(crate) files: Option<u32>,
}

/// A server, and the proxies through which nodes reach it: one for each node.
#[derive(Debug)]
pub(crate) struct Behind<S> {
    pub(crate) server: S,
    pub(crate) proxies: Vec<Proxy>,
}

/// All that runs. Dropped from the nodes on.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    postgres: Option<Behind<Postgres>>,
    redis: Option<Behind<Redis>>,
    pub(crate) client: Client,
    pub(crate) sessions: Vec<String>,
    pub(crate) recorder: Recorder,
    /// Numbers that were given to messages so far.
    names: Arc<AtomicUsize>,
}

/// What a node says of itself.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) status: u16,
    /// `healthy`, `degraded`, `unhealthy`.
    pub(crate) word: String,
    pub(crate) body: Value,
    pub(crate) took: Duration,
}

impl Plan {
    /// So many nodes, without Redis.
    pub(crate) fn nodes(nodes: usize) -> Self {
        let (settings, postgres, alone) = (Vec::new(), Vec::new(), Vec::new());
        Self { nodes, redis: Cache::None, settings, postgres, postgres_shim: None, alone, files: None }
    }

    pub(crate) fn with_redis(mut self, redis: Cache) -> Self {
        self.redis = redis;
        self
    }

    pub(crate) fn with(mut self, setting: &str, value: impl Into<String>) -> Self {
        self.settings.push((setting.to_owned(), value.into()));
        self
    }
}

impl<S> Behind<S> {
    /// A server without proxies yet; they are made as nodes are.
    const fn new(server: S) -> Self {
        Self { server, proxies: Vec::new() }
    }

    /// The port at which a node finds it.
    fn port(&mut self, node: usize, socket: impl Fn(&S) -> PathBuf) -> Outcome<u16> {
        while self.proxies.len() <= node {
            self.proxies.push(Proxy::before(socket(&self.server))?);
        }
        Ok(self.proxies.get(node).map_or(0, Proxy::port))
    }

    /// Does the same to all of its proxies.
    pub(crate) fn each(&self, change: impl Fn(&Proxy)) {
        self.proxies.iter().for_each(change);
    }

    /// The proxy of one node.
    pub(crate) fn proxy(&self, node: usize) -> Outcome<&Proxy> {
        self.proxies.get(node).ok_or_else(|| Failure::other("there is no such proxy"))
    }
}

impl World {
    pub(crate) async fn start(stage: &Stage, plan: Plan) -> Outcome<Self> {
        let mut world = Self::servers(stage, &plan).await?;
        let nodes = match stage.store() {
            Store::Sqlite => 1,
            Store::Postgres => plan.nodes,
        };
        for number in 0..nodes {
            let node = world.node(stage, number, &plan)?;
            world.nodes.push(node);
        }
        for node in &mut world.nodes {
            node.start().await?;
        }
        world.make_sessions().await?;
        Ok(world)
    }

    /// The servers alone.
    pub(crate) async fn servers(stage: &Stage, plan: &Plan) -> Outcome<Self> {
        let log = |name: &str| stage.directory().join(name);
        let postgres = match stage.store() {
            Store::Sqlite => None,
            Store::Postgres => {
                let (settings, shim) = (plan.postgres.clone(), plan.postgres_shim.clone());
                let server = Postgres::start_new(stage.programs(), log("postgres.log"), settings, shim).await?;
                Some(Behind::new(server))
            }
        };
        let redis = match plan.redis {
            Cache::None => None,
            Cache::Absent => Some(Redis::stopped(stage.programs(), log("redis.log"))?),
            Cache::Present => {
                let mut server = Redis::stopped(stage.programs(), log("redis.log"))?;
                server.start().await?;
                Some(server)
            }
        };
        let redis = redis.map(Behind::new);
        let (nodes, sessions) = (Vec::new(), Vec::new());
        let (client, recorder, names) = (Client::new()?, stage.recorder().clone(), Arc::default());
        Ok(Self { nodes, postgres, redis, client, sessions, recorder, names })
    }

    /// A node on these servers, not started yet.
    pub(crate) fn node(&mut self, stage: &Stage, number: usize, plan: &Plan) -> Outcome<Node> {
        let mut settings = vec![("DATA_DIR".to_owned(), data_directory(stage).display().to_string())];
        // Nothing of what is looked for in a log is left out, and all of what a failure needs is there.
        settings.push(("RUST_LOG".to_owned(), "info".to_owned()));
        if let Some(postgres) = &mut self.postgres {
            let port = postgres.port(number, Postgres::socket)?;
            let url = format!("postgres://{SERVICE}@127.0.0.1:{port}/{SERVICE}");
            settings.push(("DATABASE_URL".to_owned(), url));
            settings.push(("DATABASE_MAX_CONNECTIONS".to_owned(), "8".to_owned()));
        }
        if let Some(redis) = &mut self.redis {
            let port = redis.port(number, Redis::socket)?;
            settings.push(("REDIS_URL".to_owned(), format!("redis://127.0.0.1:{port}")));
        }
        settings.extend(plan.settings.iter().cloned());
        let alone = plan.alone.iter().filter(|(node, ..)| *node == number);
        settings.extend(alone.map(|(_, name, value)| (name.clone(), value.clone())));
        let program = stage.programs().service().to_owned();
        let mut node = Node::new(format!("node-{number}"), program, stage.directory().to_owned(), Vec::new());
        for (variable, value) in settings {
            node.set(&variable, value);
        }
        if let Some(files) = plan.files {
            node.allow_files(files);
        }
        Ok(node)
    }

    pub(crate) async fn make_sessions(&mut self) -> Outcome {
        let node = self.address(0)?;
        for number in 0..SESSIONS {
            let answer = self.client.ask(&node, &Request::session(&format!("s-{number}"))).await;
            let answer = answer.map_err(|silence| Failure::other(silence.why))?;
            self.sessions.push(answer.text("id")?);
        }
        Ok(())
    }

    /// Clients for each node.
    pub(crate) fn load(&self, size: Size) -> Outcome<Load> {
        Load::start(&self.addresses(), &self.sessions, size, self.recorder.clone(), &self.names)
    }

    /// So many clients of the first node, each of which writes one message: all at once.
    pub(crate) fn burst(&self, many: usize) -> Outcome<Load> {
        let size = Size { writers: many, readers: 0, deletes: false, once: true, ..Size::default() };
        let first: Vec<_> = self.addresses().into_iter().take(1).collect();
        Load::start(&first, &self.sessions, size, self.recorder.clone(), &self.names)
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.nodes.iter().map(Node::address).collect()
    }

    /// Where a node is that has to be up.
    pub(crate) fn address(&self, node: usize) -> Outcome<String> {
        let node = self.nodes.get(node).ok_or_else(|| Failure::other("there is no such node"))?;
        node.address().known()
    }

    pub(crate) fn first(&mut self) -> Outcome<&mut Node> {
        self.nodes.first_mut().ok_or_else(|| Failure::other("there is no node"))
    }

    pub(crate) fn last(&mut self) -> Outcome<&mut Node> {
        self.nodes.last_mut().ok_or_else(|| Failure::other("there is no node"))
    }

    pub(crate) fn postgres(&mut self) -> Outcome<&mut Behind<Postgres>> {
        self.postgres.as_mut().ok_or_else(|| Failure::other("there is no PostgreSQL"))
    }

    pub(crate) fn redis(&mut self) -> Outcome<&mut Behind<Redis>> {
        self.redis.as_mut().ok_or_else(|| Failure::other("there is no Redis"))
    }

    /// Asks a node that has to answer.
    pub(crate) async fn ask(&self, node: usize, request: &Request) -> Outcome<Answer> {
        let answer = self.client.ask(&self.address(node)?, request).await;
        answer.map_err(|silence| Failure::other(format!("{}: {}", request.path, silence.why)))
    }

    /// What `/health` says.
    pub(crate) async fn health(&self, node: usize) -> Outcome<Health> {
        let answer = self.ask(node, &Request::get("/health")).await?;
        Ok(Health { status: answer.status, word: answer.text("status")?, took: answer.took, body: answer.body })
    }

    /// The status of `/health/live`.
    pub(crate) async fn live(&self, node: usize) -> Outcome<u16> {
        Ok(self.ask(node, &Request::get("/health/live")).await?.status)
    }

    /// Waits until `/health/ready` says yes.
    pub(crate) async fn ready(&self, node: usize, patience: Duration) -> Outcome {
        until("a node to be ready", patience, async || {
            let answer = self.client.ask(&self.address(node)?, &Request::get("/health/ready")).await;
            Ok(answer.is_ok_and(|answer| answer.status == 200))
        })
        .await
    }

    /// Waits until `/health` says this word.
    pub(crate) async fn healthy_as(&self, node: usize, word: &str) -> Outcome<Health> {
        until(&format!("a node to be {word}"), PATIENCE, async || Ok(self.health(node).await?.word == word)).await?;
        self.health(node).await
    }
}

/// Where a node on SQLite has its file.
pub(crate) fn data_directory(stage: &Stage) -> PathBuf {
    stage.directory().join("data")
}
