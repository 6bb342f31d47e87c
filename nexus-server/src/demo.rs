use nexus_lib::registry::{ProviderSpec, Registry};
use nexus_lib::store::NewModel;

const NAME: &str = "demo";
const KIND: &str = "demo";
const MODEL: &str = "nexus-echo";
const CLIENT_KEY: &str = "demo-key";
/// Never requested: the built-in model answers by itself.
const URL: &str = "http://demo.invalid";

/// Registers the built-in model, unless it exists from an earlier start. An operator's changes are
/// kept.
pub(crate) async fn register(registry: &Registry) -> nexus_lib::Result<()> {
    let snapshot = registry.snapshot();
    let present = snapshot
        .providers()
        .iter()
        .find(|provider| provider.fields.kind == KIND && provider.fields.name == NAME)
        .map(|provider| provider.id);
    let provider_id = match present {
        Some(id) => id,
        None => {
            let spec = ProviderSpec::new(NAME, URL, "", CLIENT_KEY).kind(KIND);
            registry.add_provider(spec).await?.id
        }
    };
    let mut models = snapshot.models_of(provider_id);
    if !models.any(|model| model.model_name == MODEL) {
        let mut model = NewModel::new(provider_id, MODEL);
        model.description = "Echoes its input, without any network".to_owned();
        registry.add_model(model).await?;
    }
    tracing::info!(model = MODEL, "the demo model is ready");
    Ok(())
}
