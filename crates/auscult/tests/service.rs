//! A service to ask: the real binary, as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A service that is ended by `kill -9` when dropped.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) address: String,
    lines: mpsc::Receiver<String>,
}

impl Drop for Service {
    fn drop(&mut self) {
        // SIGKILL on Unix.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Service {
    /// On a free port, with more `arguments`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        Self::spawn(command)
    }

    pub(crate) fn spawn(command: Command) -> Self {
        Self::spawn_saying(command, "auscult listens on http://")
    }

    /// Something that says where it listens at the end of a line that contains `part`.
    pub(crate) fn spawn_saying(mut command: Command, part: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary runs");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut service = Self { child, address: String::new(), lines };
        let line = service.line(part);
        service.address = line.rsplit('/').next().unwrap().to_owned();
        service
    }

    /// Where it listens, as `ADDRESS:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The first line from here on that contains `part`.
    pub(crate) fn line(&self, part: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no `{part}` in {seen:#?}"),
            }
        }
    }

    /// Status and body of an answer; `None` if there was none.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &[u8]) -> Option<(u16, String)> {
        self.ask_with(method, path, "Accept: */*", body)
    }

    /// The same with one more header.
    pub(crate) fn ask_with(
        &self,
        method: &str,
        path: &str,
        header: &str,
        body: &[u8],
    ) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{header}\r\nConnection: close\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.get(9..12)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let (status, body) = self.ask("GET", path, b"").expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.get(path)).unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let signal = format!("-{signal}");
        assert!(Command::new("kill").args([&signal, &pid]).status().unwrap().success());
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let ended = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(ended.elapsed() < Duration::from_secs(60), "it does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}
