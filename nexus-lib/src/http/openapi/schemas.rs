use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The schemas of the types that handlers read and write.
pub(in crate::http) struct Schemas {
    /// For output: named, and closed.
    answers: SchemaGenerator,
    /// For input: inline, and open, since unknown fields are ignored.
    bodies: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = |contract| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.meta_schema = None;
                settings.definitions_path = "/components/schemas".into();
                settings.contract = contract;
            })
        };
        let mut bodies = settings(Contract::Deserialize);
        bodies.inline_subschemas = true;
        Self {
            answers: settings(Contract::Serialize).into_generator(),
            bodies: bodies.into_generator(),
        }
    }

    /// The schema of a handler's output.
    pub(in crate::http) fn answer<T: JsonSchema>(&mut self) -> Value {
        self.answers.subschema_for::<T>().into()
    }

    /// The schema of a handler's input.
    pub(in crate::http) fn body<T: JsonSchema>(&mut self) -> Value {
        let mut schema: Value = self.bodies.subschema_for::<T>().into();
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("title");
        }
        schema
    }

    /// The named ones.
    pub(super) fn into_components(mut self) -> Map<String, Value> {
        let mut components = self.answers.take_definitions(true);
        for schema in components.values_mut() {
            if let Ok(schema) = schema.try_into() {
                RecursiveTransform(close).transform(schema);
            }
        }
        components
    }
}

/// An answer has no undocumented fields.
fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".into(), json!(false));
    }
}
