//! Ports that something in a workspace listens on: what the kernel's tables say, and what they are called.

/// A listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener {
    /// Its port.
    pub port: u16,
    /// Number by which the owner's `/proc/<pid>/fd` names it.
    pub inode: u64,
}

/// Reads `/proc/<pid>/net/tcp` or `tcp6`.
#[must_use]
pub fn listeners(table: &str) -> Vec<Listener> {
    table.lines().skip(1).filter_map(listener).collect()
}

fn listener(line: &str) -> Option<Listener> {
    let mut fields = line.split_ascii_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    // 0A is TCP_LISTEN.
    if state != "0A" {
        return None;
    }
    let port = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    let inode = fields.nth(5)?.parse().ok()?;
    Some(Listener { port, inode })
}

/// Number in a link of `/proc/<pid>/fd` such as `socket:[123]`.
#[must_use]
pub fn socket_inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// What is offered: a name, and whether it speaks HTTP as far as one knows. `program` is the name of the process.
#[must_use]
pub fn label(port: u16, program: Option<&str>) -> (String, bool) {
    let known = match port {
        22 => Some(("SSH", false)),
        25 | 1025 => Some(("SMTP", false)),
        53 => Some(("DNS", false)),
        1433 => Some(("SQL Server", false)),
        3306 => Some(("MySQL", false)),
        5432 => Some(("PostgreSQL", false)),
        5672 => Some(("AMQP", false)),
        6379 => Some(("Redis", false)),
        9092 => Some(("Kafka", false)),
        9229 => Some(("Node inspector", false)),
        11211 => Some(("Memcached", false)),
        27017 => Some(("MongoDB", false)),
        4173 | 5173 => Some(("Vite", true)),
        4200 => Some(("Angular", true)),
        6006 => Some(("Storybook", true)),
        8888 => Some(("Jupyter", true)),
        _ => None,
    };
    match (known, program) {
        (Some((name, http)), _) => (name.to_owned(), http),
        (None, Some(program)) => {
            let silent = [
                "sshd",
                "postgres",
                "redis-server",
                "mysqld",
                "mariadbd",
                "mongod",
                "memcached",
                "dnsmasq",
            ];
            (program.to_owned(), !silent.contains(&program))
        }
        (None, None) => (String::new(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1435 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1435 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0000000000000000 20 4 30 10 -1
   2: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 77 1 0000000000000000 100 0 0 10 0
 garbage
";

    #[test]
    fn only_listening_sockets_count() {
        let seen = listeners(TABLE);
        assert_eq!(
            seen,
            [
                Listener {
                    port: 5173,
                    inode: 4242
                },
                Listener { port: 3000, inode: 77 }
            ]
        );
        assert_eq!(listeners(""), []);
    }

    #[test]
    fn labels() {
        assert_eq!(label(5173, Some("node")), ("Vite".to_owned(), true));
        assert_eq!(label(5432, None), ("PostgreSQL".to_owned(), false));
        assert_eq!(label(3000, Some("node")), ("node".to_owned(), true));
        assert_eq!(label(15432, Some("postgres")), ("postgres".to_owned(), false));
        assert_eq!(socket_inode("socket:[12]"), Some(12));
        assert_eq!(socket_inode("pipe:[12]"), None);
    }
}
