//! The command line, as a person meets it: arguments in, text and exit code out.

mod explain;
