//! Load over HTTP by `wrk`, from Debian: one client thread, so that client and server share the machine alike in
//! every row.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// What one run of the load generator saw.
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) p99_ms: f64,
}

/// Asks `url` for `seconds` over `connections` keep-alive connections.
fn run(url: &str, connections: u32, seconds: u32, headers: &[(&str, &str)]) -> Result<Load> {
    let mut wrk = Command::new("wrk");
    wrk.args([
        "-t1",
        "--latency",
        "--timeout",
        "10s",
        "-c",
        &connections.to_string(),
        "-d",
        &format!("{seconds}s"),
    ]);
    for (name, value) in headers {
        wrk.args(["-H", &format!("{name}: {value}")]);
    }
    let out = wrk
        .arg(url)
        .output()
        .context("`wrk` is needed; install it with: apt-get install -y wrk")?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if !out.status.success() || text.contains("Non-2xx") || text.contains("Socket errors") {
        bail!(
            "load on {url} was not clean:\n{text}{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
    let field = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(name))?;
        line.split_whitespace().nth(1).map(str::to_owned)
    };
    let per_second = field("Requests/sec:")
        .and_then(|n| n.parse().ok())
        .context("wrk printed no rate")?;
    let p99_ms = field("99%")
        .as_deref()
        .and_then(milliseconds)
        .context("wrk printed no latency")?;
    Ok(Load { per_second, p99_ms })
}

/// How often each target has its turn in [`side_by_side`].
const ROUNDS: u32 = 3;

/// A URL with the headers to ask it with.
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Target {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Loads the targets in turn, each for `seconds` in all, and gives the median of its rounds: what else the machine
/// does meanwhile falls on all alike.
pub(crate) fn side_by_side(targets: &[Target], connections: u32, seconds: u32) -> Result<Vec<Load>> {
    let mut rounds: Vec<Vec<Load>> = targets.iter().map(|_| Vec::new()).collect();
    for round in 0..=ROUNDS {
        for (target, loads) in targets.iter().zip(&mut rounds) {
            let headers: Vec<_> = target
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            // The first is short and not counted: pooled instances, branch predictors, page cache.
            let seconds = if round == 0 { 1 } else { seconds.div_ceil(ROUNDS) };
            let load = run(&target.url, connections, seconds, &headers)?;
            if round > 0 {
                loads.push(load);
            }
        }
    }
    rounds.into_iter().map(median).collect()
}

fn median(loads: Vec<Load>) -> Result<Load> {
    let middle = |of: fn(&Load) -> f64| {
        let mut values: Vec<f64> = loads.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().context("nothing was measured")
    };
    Ok(Load {
        per_second: middle(|load| load.per_second)?,
        p99_ms: middle(|load| load.p99_ms)?,
    })
}

fn milliseconds(text: &str) -> Option<f64> {
    for (unit, scale) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return number.parse::<f64>().ok().map(|n| n * scale);
        }
    }
    None
}
