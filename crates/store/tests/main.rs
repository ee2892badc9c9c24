//! What is stored comes back, whatever happens to the files.

mod book;
mod files;
mod history;
mod log;
mod state;
