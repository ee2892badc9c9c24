//! `auscult hash-secret`: the hash that stands for a secret in settings.

use std::io::{BufRead, IsTerminal, stdin};

use auscult_server::{hash_password, hash_token};
use clap::Args;

use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult hash-secret`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The secret is a long random token, not a password.
    #[arg(long)]
    token: bool,
}

/// Reads a secret, one line, and prints its hash.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let secret = read(arguments.token).map_err(CallError::input)?;
    let hash = if arguments.token { hash_token(&secret) } else { hash_password(&secret) };
    println!("{}", hash.map_err(CallError::input)?);
    Ok(Outcome::Done)
}

/// The first line of standard input, not shown while it is typed.
fn read(is_token: bool) -> std::io::Result<String> {
    let mut line = String::new();
    if stdin().is_terminal() {
        eprint!("{}: ", if is_token { "Token" } else { "Password" });
        let read = without_echo(|| stdin().lock().read_line(&mut line));
        eprintln!();
        read??;
    } else {
        stdin().lock().read_line(&mut line)?;
    }
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// Does `read` while the terminal does not show what is typed.
fn without_echo<T>(read: impl FnOnce() -> T) -> std::io::Result<T> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let before = tcgetattr(stdin())?;
    let mut silent = before.clone();
    silent.local_modes -= LocalModes::ECHO;
    tcsetattr(stdin(), OptionalActions::Flush, &silent)?;
    let done = read();
    tcsetattr(stdin(), OptionalActions::Flush, &before)?;
    Ok(done)
}
