//! What the exporters of hardware and training show: a page each, and its values.
//!
//! Each has a `page` that is built once, a `write` that pushes the values in the page's order,
//! and an `answer` that says what a scrape gets.

pub mod container;
pub mod dcgm;
pub mod log;
pub mod node;
pub mod training;

pub use container::ContainerExporter;
pub use dcgm::DcgmExporter;
pub use node::NodeExporter;
pub use training::TrainingExporter;
