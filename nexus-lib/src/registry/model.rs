use super::spec::check_label;
use crate::error::Result;
use crate::store::NewModel;

const MAX_NAME_CHARS: usize = 256;

/// Validates a model; an empty upstream name means none.
pub(super) fn checked(mut model: NewModel) -> Result<NewModel> {
    check_label("model_name", &model.model_name, MAX_NAME_CHARS)?;
    model.upstream_model = model.upstream_model.filter(|name| !name.is_empty());
    if let Some(name) = &model.upstream_model {
        check_label("upstream_model", name, MAX_NAME_CHARS)?;
    }
    Ok(model)
}
