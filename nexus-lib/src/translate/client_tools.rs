//! Converts calls of tools back to the client's form.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Answered, BlockKind, ClientTool, Event, Output, Request};

/// The tools of a request whose names differ between client and provider, by the name that the
/// provider was sent.
#[derive(Debug, Default)]
pub(crate) struct ClientTools {
    sent: HashMap<String, Arc<ClientTool>>,
    /// By the client's own name if only one tool has it: models leave namespaces out.
    own: HashMap<String, Arc<ClientTool>>,
}

impl ClientTools {
    pub(crate) fn of(request: &Request) -> Self {
        let mut tools = Self::default();
        let mut ambiguous = Vec::new();
        for tool in &request.tools {
            let Some(client) = &tool.client else {
                continue;
            };
            tools.sent.insert(tool.name.clone(), Arc::clone(client));
            if let Some(other) = tools.own.insert(client.name.clone(), Arc::clone(client))
                && other != *client
            {
                ambiguous.push(client.name.clone());
            }
        }
        if tools.own.is_empty() {
            return tools;
        }
        for name in &ambiguous {
            tools.own.remove(name);
        }
        for tool in request.tools.iter().filter(|tool| tool.client.is_none()) {
            tools.own.remove(&tool.name);
        }
        tools
    }

    fn find(&self, called: &str) -> Option<&Arc<ClientTool>> {
        self.sent.get(called).or_else(|| self.own.get(called))
    }

    /// Restores the tools' names in a whole answer.
    pub(crate) fn restore(&self, answered: &mut Answered) {
        if self.sent.is_empty() {
            return;
        }
        for output in &mut answered.output {
            if let Output::ToolCall(call) = output {
                call.client = self.find(&call.name).cloned();
            }
        }
    }

    /// Restores the tool's name if a call begins with `event`.
    pub(crate) fn restore_event(&self, event: &mut Event) {
        if let Event::Begin {
            kind: BlockKind::ToolCall { name, client, .. },
            ..
        } = event
        {
            *client = self.find(name).cloned();
        }
    }
}
