//! Finding the cause of one case, question by question.

mod cells;
mod reason;
mod session;
mod value;

pub use auscult_trees::Answer;
pub use reason::{Evidence, reasons};
pub use session::{Next, Session, SessionError, Stage};
pub use value::{Outcome, Question};
