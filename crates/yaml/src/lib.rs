//! YAML documents with the place of everything in them, checked against a schema.
//!
//! A [`Document`] knows the line and column of every key and value. [`Document::read_as`] turns
//! it into a settings type that describes itself by a JSON schema, and tells *all* that is wrong
//! at once, each with its place and, for a key that is not known, the nearest that is.
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     folder: String,
//!     shards: u32,
//! }
//!
//! let text = "foldr: data\nshards: many\n";
//! let document = auscult_yaml::Document::parse("auscult.yml", text).unwrap();
//! let problems = document.read_as::<Settings>().err().unwrap();
//! let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
//! assert_eq!(said[0], "auscult.yml:1:1: there is no key `foldr`; did you mean `folder`?");
//! assert_eq!(said[1], "auscult.yml:2:9: `shards` is `many`; expected a whole number");
//! ```

mod document;
mod expand;
mod load;
mod near;
mod path;
mod problem;
mod schema;

pub use document::Document;
pub use expand::{Variables, process_variables};
pub use near::nearest;
pub use path::Path;
pub use problem::Problem;
pub use schema::Format;
