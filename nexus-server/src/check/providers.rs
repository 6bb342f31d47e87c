use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use nexus_lib::gateway::Probe;
use nexus_lib::registry::{ProviderRecord, Registered};
use nexus_lib::store::ModelRecord;
use nexus_lib::{Error, ErrorKind, Result, Timeouts, Transport};

use super::report::Report;
use crate::settings::Settings;
use crate::tls;

/// A provider's timeout for each step: the operator is waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks every enabled provider for its list of models, concurrently, and reports them in order.
pub(super) async fn check(records: &Registered, settings: &Settings, report: &mut Report) {
    let probe = match probe(records, settings) {
        Ok(probe) => probe,
        Err(error) => return report.ill("providers", error.report()),
    };
    let probe = &probe;
    let asked = records.providers.iter().map(|provider| async move {
        match provider.fields.enabled {
            true => Some(probe.models(provider).await),
            false => None,
        }
    });
    let outcomes = join_all(asked).await;
    for (provider, outcome) in records.providers.iter().zip(outcomes) {
        let models = records.models.iter();
        let registered = models.filter(|model| model.provider_id == provider.id);
        report_provider(provider, &registered.collect::<Vec<_>>(), outcome, report);
    }
}

fn probe(records: &Registered, settings: &Settings) -> Result<Probe> {
    let timeouts = Timeouts::default()
        .connect(PATIENCE)
        .first_event(PATIENCE)
        .idle(PATIENCE);
    let mut transport = Transport::builder().timeouts(timeouts);
    if let Some(tls) = tls::client_config() {
        transport = transport.tls_config(tls);
    }
    let grok_proxies = settings.grok_proxies.clone();
    Ok(Probe::new(
        records.clone(),
        transport.build()?,
        grok_proxies,
    ))
}

fn report_provider(
    provider: &ProviderRecord,
    registered: &[&ModelRecord],
    outcome: Option<Result<Vec<String>>>,
    report: &mut Report,
) {
    let what = format!("provider {} `{}`", provider.id, provider.fields.name);
    match outcome {
        None => return report.note(what, "is disabled and was not checked"),
        Some(Ok(models)) => {
            report.well(&what, format!("answers, with {} models", models.len()));
            report_missing(&what, registered, &models, report);
        }
        Some(Err(error)) => match error.kind() {
            ErrorKind::NotFound => {
                let reason = "cannot list its models, and was not checked";
                report.note(&what, reason);
            }
            // It is up, and does not know our key.
            ErrorKind::UpstreamInvalid => report.note(&what, explained(&error)),
            _ => report.ill(&what, explained(&error)),
        },
    }
    if registered.is_empty() {
        report.note(&what, "has no models, so no client can use it");
    }
}

fn report_missing(what: &str, registered: &[&ModelRecord], listed: &[String], report: &mut Report) {
    let listed: HashSet<&str> = listed.iter().map(String::as_str).collect();
    for model in registered {
        let sent = model.upstream_model.as_deref().unwrap_or(&model.model_name);
        if !listed.contains(sent) {
            report.note(what, format!("does not list the model `{sent}`"));
        }
    }
}

/// With its source chain: the operator may see the address.
fn explained(error: &Error) -> String {
    error.report().to_string()
}
