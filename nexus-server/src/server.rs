use std::io::Write;

use nexus_lib::archive::Archive;
use nexus_lib::http::{SocketSettings, Sockets};
use nexus_lib::metrics::Metrics;
use nexus_lib::secret::MasterKey;
use nexus_lib::{Gateway, GatewayBuilder, SqliteStore, Transport};
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tower::Layer;

use crate::failure::Failure;
use crate::listen::{Limits, Phase, Port, cut, reached};
use crate::logs::Logs;
use crate::refusal_log::RefusalLog;
use crate::request_log::RequestLog;
use crate::settings::Settings;
use crate::signals::Signals;
use crate::{cors, demo, descriptors, drain, tls};

/// Serves both ports until a signal, then drains them and closes the gateway.
pub(crate) async fn run(settings: Settings, logs: &Logs) -> Result<(), Failure> {
    // Before anything that takes time, so that a signal during the start is not lost.
    let mut signals = Signals::listen().map_err(Failure::Signals)?;
    let admin = Port::bind("admin", settings.admin_addr).await?;
    let api = Port::bind("api", settings.api_addr).await?;
    #[cfg(feature = "otel")]
    let traces = crate::otel::Traces::start()?;
    let refusals = RefusalLog::default();
    let builder = Gateway::builder(store(&settings).await?)
        .observer(RequestLog::new(logs.requests()))
        .observer(refusals.clone())
        .metrics(metrics(logs));
    #[cfg(feature = "otel")]
    let builder = match &traces {
        Some(traces) => builder.observer(traces.clone()),
        None => builder,
    };
    let gateway = gateway(&settings, builder).await?;
    announce(&[&admin, &api]);

    let (phase, watched) = watch::channel(Phase::Serving);
    let connections = descriptors::share();
    let sockets = sockets(gateway.sockets(), watched.clone());
    let sums = refusals.sum_up(watched.clone());
    let limits = Limits::connections(connections.api);
    let admin_limits = Limits {
        reports_clients: true,
        ..Limits::connections(connections.admin)
    };
    let admin = admin.serve(gateway.admin(), admin_limits, watched.clone());
    let api = async {
        match cors::layer(&settings.cors_origins) {
            Some(layer) => {
                let service = layer.layer(gateway.api());
                api.serve(service, limits, watched).await;
            }
            None => api.serve(gateway.api(), limits, watched).await,
        }
    };
    let serving = async {
        // A connection that has become a WebSocket no longer belongs to a port.
        tokio::join!(admin, api, sockets, sums);
    };
    let cut_off = || gateway.cut_off();
    drain::run(
        serving,
        &phase,
        settings.drain_timeout,
        cut_off,
        &mut signals,
    )
    .await?;
    refusals.report();
    // Waits for a ledger that cannot be written: after a clean end, everything served is on it.
    tokio::select! {
        closed = gateway.close() => closed?,
        () = signals.next() => return Err(Failure::Unwritten),
    }
    #[cfg(feature = "otel")]
    if let Some(traces) = traces {
        traces.close().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Takes the WebSockets through all phases, and returns when none is left.
async fn sockets(sockets: &Sockets, mut phase: watch::Receiver<Phase>) {
    reached(&mut phase, Phase::Draining).await;
    sockets.drain();
    tokio::select! {
        () = sockets.ended() => {}
        () = cut(&mut phase) => {}
    }
}

async fn store(settings: &Settings) -> Result<SqliteStore, Failure> {
    let options = SqliteStore::options(&settings.database).durability(settings.durability);
    let options = match &settings.master_key {
        Some(text) => options.master_key(MasterKey::from_base64(text.expose_secret())?),
        None => options.master_key_file(settings.data_dir.join("master.key")),
    };
    Ok(options.open().await?)
}

async fn gateway(settings: &Settings, builder: GatewayBuilder) -> Result<Gateway, Failure> {
    let archive = match &settings.messages_dir {
        Some(dir) => Some(Archive::open(dir, settings.archive_retention_days)?),
        None => None,
    };
    let mut transport = Transport::builder();
    if let Some(tls) = tls::client_config() {
        transport = transport.tls_config(tls);
    }
    let builder = match settings.max_body_memory_bytes {
        Some(bytes) => builder.max_body_memory(bytes),
        None => builder,
    };
    let gateway = builder
        .transport(transport.build()?)
        .archive(archive)
        .grok_proxies(settings.grok_proxies.clone())
        .admin_token(settings.admin_token.clone())
        .strict(settings.strict)
        .max_body_bytes(settings.max_body_bytes)
        .max_open_requests(settings.max_open_requests)
        .sockets(SocketSettings::default().max_chats(settings.max_socket_chats))
        .settings(settings.table())
        .build()
        .await?;
    if settings.demo {
        demo::register(gateway.registry()).await?;
    }
    Ok(gateway)
}

/// The gateway's metrics, and the log's own.
fn metrics(logs: &Logs) -> Metrics {
    let metrics = Metrics::new();
    let dropped = logs.dropped();
    metrics.counter(
        "nexus_log_lines_dropped",
        "Log lines that were dropped because they came too fast or could not be written",
        move || dropped.on_stderr() + dropped.in_files(),
    );
    metrics
}

/// Prints the ports' addresses to stdout: with port 0 they are not known otherwise.
fn announce(ports: &[&Port]) {
    let mut stdout = std::io::stdout().lock();
    for port in ports {
        let (name, addr) = (port.name(), port.addr());
        let Ok(addr) = addr else { continue };
        // A closed stdout is not an error here.
        let _ = writeln!(stdout, "{name} listening on http://{addr}");
        tracing::info!(port = name, %addr, "listening");
    }
    let _ = stdout.flush();
}
