use crate::error::Result;
use crate::translate::chat::model::is_openais;
use crate::translate::{Losses, Request, messages};
use crate::wire::may_think;

/// The `reasoning_effort` for `model`.
pub(super) fn effort<'a>(
    request: &'a Request,
    model: &str,
    losses: &mut Losses,
) -> Result<Option<&'a str>> {
    let Some(reasoning) = &request.reasoning else {
        return Ok(None);
    };
    if reasoning.is_shown == Some(false) {
        losses.drop_param("thinking.display")?;
    }
    let of_budget = reasoning.budget_tokens.map(messages::effort_of);
    let effort = reasoning.effort.as_deref().or(of_budget);
    let is_openais = is_openais(model);
    Ok(match effort {
        None => None,
        // Few models accept it; most do not reason then anyway.
        Some("none") if !(is_openais && model.contains("gpt-5.")) => {
            if may_think(model) {
                losses.drop_param("reasoning_effort")?;
            }
            None
        }
        Some(_) if is_openais && !may_think(model) => {
            losses.drop_param("reasoning_effort")?;
            None
        }
        Some("max") => Some("xhigh"),
        effort => effort,
    })
}
