//! Memory: a subject in a process of its own, idle and with streams held open.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::Result;
use crate::bench::{Bench, serve};
use crate::connection::Connection;
use crate::load::{Load, Plan};
use crate::machine::{Cores, field};
use crate::options::{Options, Subject};
use crate::pace::Slots;
use crate::request::{Ask, Request};
use crate::table::Table;

const LISTENING: &str = "listening on ";
/// How long a process may take to settle.
const SETTLE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(20);

/// Measures the memory of each subject that can be a process of its own.
pub(crate) fn weigh(bench: &Bench, options: &Options) -> Result<Table> {
    let mut table = Table::new(&["memory, resident", "bare", "gateway", "budget"]);
    let mut columns = Vec::new();
    for subject in [Subject::Bare, Subject::Gateway] {
        if !bench.subjects().any(|of| of == subject) {
            columns.push(["–", "–", "–"].map(str::to_owned));
            continue;
        }
        let mut alone = Alone::start(subject, bench.upstream, &options.dir)?;
        let [idle, held, used] = bench.load.block_on(alone.samples(bench, options))?;
        let streams = u32::try_from(options.streams())?;
        columns.push([
            format!("{:.1} MiB", idle / 1024.0),
            format!("{:.1} KiB", (held - idle) / f64::from(streams)),
            format!("{:.1} MiB", used / 1024.0),
        ]);
    }
    let names = [
        "idle, just started".to_owned(),
        format!("each of {} open streams", options.streams()),
        "idle, after those streams and a burst of completions".to_owned(),
    ];
    for (index, (name, budget)) in names.iter().zip(["< 15 MiB", "< 40 KiB", ""]).enumerate() {
        let cells = columns.iter().map(|column| column[index].clone());
        let row = [name.clone()].into_iter().chain(cells);
        table.row(row.chain([budget.to_owned()]));
    }
    Ok(table)
}

/// Serves as one subject until standard input ends: the other side of [`weigh`].
pub(crate) fn stand_alone(subject: Subject, upstream: SocketAddr, dir: &Path) -> Result<()> {
    let (_runtime, address) = serve(subject, upstream, Cores::available(), dir)?;
    println!("{LISTENING}{address}");
    io::stdout().flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// A subject in a process of its own, which ends with this value.
struct Alone {
    process: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Alone {
    fn start(subject: Subject, upstream: SocketAddr, dir: &Path) -> Result<Self> {
        let dir = tempfile::tempdir_in(dir)?;
        let name = match subject {
            Subject::Direct => "direct",
            Subject::Bare => "bare",
            Subject::Gateway => "gateway",
            Subject::Unwritten => "unwritten",
        };
        let mut process = Command::new(env::current_exe()?)
            .args([
                "--subject",
                name,
                "--upstream",
                &upstream.to_string(),
                "--dir",
            ])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line
            .trim()
            .strip_prefix(LISTENING)
            .and_then(|text| text.parse().ok());
        let Some(address) = address else {
            process.kill()?;
            process.wait()?;
            return Err(format!("{name} did not say where it listens").into());
        };
        Ok(Self {
            process,
            address,
            _dir: dir,
        })
    }

    /// Resident KiB: just started, with open streams, and after those and some more use.
    async fn samples(&mut self, bench: &Bench, options: &Options) -> Result<[f64; 3]> {
        sleep(SETTLE).await;
        let idle = self.resident()?;

        let held = timeout(PATIENCE, self.hold(&bench.slots, options.streams())).await??;

        let plan = Plan {
            ask: Ask::Unary { body_bytes: 1024 },
            connections: options.concurrency(),
            every: None,
        };
        let load = Load::open(self.address, plan, &bench.slots, 0).await?;
        load.run(options.round()).await?;
        sleep(SETTLE).await;
        Ok([idle, held, self.resident()?])
    }

    async fn hold(&self, slots: &Arc<Slots>, streams: usize) -> Result<f64> {
        let mut open = Vec::with_capacity(streams);
        for slot in 0..streams {
            if let Some(slot) = u32::try_from(slot).ok().and_then(|slot| slots.get(slot)) {
                // The upstream sends one event, and then waits for a confirmation that never comes.
                slot.set(0);
            }
            let mut connection = Connection::open(self.address).await?;
            let ask = Ask::Stream { events: 8 };
            let mut request = Request::new(self.address, ask, slot, slot * 1000);
            connection.send(request.next()).await?;
            connection.first_event().await?;
            open.push(connection);
        }
        sleep(SETTLE).await;
        self.resident()
    }

    fn resident(&self) -> Result<f64> {
        let status = format!("/proc/{}/status", self.process.id());
        let text = field(&status, "VmRSS").ok_or("the process is gone")?;
        Ok(text.trim_end_matches("kB").trim().parse()?)
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // It keeps nothing; its folder is removed too.
        if self.process.kill().is_ok() {
            let _ = self.process.wait();
        }
    }
}
