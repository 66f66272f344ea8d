//! Ports in a workspace: what listens there, and connections to it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use sam_agent_domain::ports::{label, listeners, socket_inode};
use sam_contract::agent::desired::Isolation;
use sam_contract::agent::observed::Port;
use tokio::net::TcpStream;

/// A process tree larger than this is not searched further: it would cost more than the labels are worth.
const PROCESSES_MAX: usize = 5000;
/// Something on the same machine answers by then.
const PATIENCE: Duration = Duration::from_secs(3);

/// What processes below `pid` listen on. Sockets of others in the same network (Docker's own name server, the node's
/// services) are not theirs.
pub(crate) fn scan(pid: i32) -> Vec<Port> {
    let mut open = BTreeMap::new();
    for table in ["tcp", "tcp6"] {
        for listener in listeners(&fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default()) {
            open.insert(listener.inode, listener.port);
        }
    }
    if open.is_empty() {
        return Vec::new();
    }
    let mut ports = HashMap::new();
    for process in tree(pid) {
        for inode in sockets(process) {
            if let Some(port) = open.get(&inode) {
                ports.entry(*port).or_insert(process);
            }
        }
    }
    let mut ports: Vec<_> = ports
        .into_iter()
        .map(|(port, process)| {
            let program = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            let (label, http) = label(port, Some(program.trim()).filter(|name| !name.is_empty()));
            Port { port, label, http }
        })
        .collect();
    ports.sort_unstable_by_key(|port| port.port);
    ports
}

/// `pid` and everything below it.
fn tree(pid: i32) -> Vec<i32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(process) = all.get(next).copied()
        && all.len() < PROCESSES_MAX
    {
        next += 1;
        // Children belong to the thread that made them.
        for thread in fs::read_dir(format!("/proc/{process}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(
                children
                    .split_ascii_whitespace()
                    .filter_map(|pid| pid.parse::<i32>().ok()),
            );
        }
    }
    all
}

fn sockets(pid: i32) -> HashSet<u64> {
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    fds.filter_map(|fd| socket_inode(fs::read_link(fd.path()).ok()?.to_str()?))
        .collect()
}

/// Connects to a port of the workspace whose supervisor is `pid`. In a container this goes by way of its own network, so
/// that servers which only listen on `localhost` are reached, as most development servers do.
pub(crate) async fn connect(pid: i32, isolation: Isolation, port: u16) -> io::Result<TcpStream> {
    let stream = match isolation {
        Isolation::Process => {
            if !scan(pid).iter().any(|open| open.port == port) {
                return Err(io::Error::new(
                    io::ErrorKind::ConnectionRefused,
                    "no process of the workspace listens there",
                ));
            }
            tokio::task::spawn_blocking(move || dial(port)).await
        }
        // A thread of its own: it never leaves the other network again.
        Isolation::Docker => {
            let (answer, answered) = tokio::sync::oneshot::channel();
            std::thread::Builder::new()
                .name("netns".to_owned())
                .stack_size(128 * 1024)
                .spawn(move || {
                    let _ = answer.send(dial_inside(pid, port));
                })?;
            Ok(answered.await.map_err(io::Error::other)?)
        }
    };
    let stream = stream.map_err(io::Error::other)??;
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    TcpStream::from_std(stream)
}

fn dial_inside(pid: i32, port: u16) -> io::Result<std::net::TcpStream> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(LinkNameSpaceType::Network))?;
    dial(port)
}

fn dial(port: u16) -> io::Result<std::net::TcpStream> {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    std::net::TcpStream::connect_timeout(&v4, PATIENCE)
        .or_else(|error| std::net::TcpStream::connect_timeout(&v6, PATIENCE).map_err(|_| error))
}
