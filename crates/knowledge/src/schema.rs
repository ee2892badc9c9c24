//! How texts of knowledge that have a grammar of their own describe themselves to the reader of YAML.

use std::borrow::Cow;

use auscult_yaml::Format;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Formula, Statement};

/// What texts with these formats must pass.
pub(crate) const FORMATS: [Format; 2] = [
    ("auscult-statement", |text| text.parse::<Statement>().map(drop)),
    ("auscult-formula", |text| text.parse::<Formula>().map(drop)),
];

impl JsonSchema for Statement {
    fn schema_name() -> Cow<'static, str> {
        "Statement".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "auscult-statement"})
    }
}

impl JsonSchema for Formula {
    fn schema_name() -> Cow<'static, str> {
        "Formula".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "auscult-formula"})
    }
}
