//! An HTTP server on loopback that misbehaves as told: what is asked, and what asks back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// What a stub does with a request.
pub(crate) enum Answer {
    /// Hangs up.
    Close,
    /// Says nothing until the other side hangs up.
    Hang,
    /// Answers with a status, headers that each end in a line feed, and a body.
    Say(u16, &'static str, Vec<u8>),
}

/// A request as it came.
pub(crate) struct Request {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header whose `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Starts a stub on a free port; it lives as long as the test process.
pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            // What a client that hangs up misses is its own affair.
            thread::spawn(move || drop(serve(stream, &*answer)));
        }
    });
    address
}

fn serve(stream: TcpStream, answer: &dyn Fn(&Request) -> Answer) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = Request { head: String::new(), body: Vec::new() };
    while !request.head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request.head)? == 0 {
            return Ok(());
        }
    }
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body)?;
    let mut stream = stream;
    match answer(&request) {
        Answer::Close => Ok(()),
        Answer::Hang => reader.read_to_end(&mut Vec::new()).map(drop),
        Answer::Say(status, headers, body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} Said\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
            )?;
            stream.write_all(&body)
        }
    }
}

/// Sends a request; status and body of the answer, or `None` if there was none.
pub(crate) fn ask(address: &str, line: &str, headers: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    )
    .ok()?;
    stream.write_all(body).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.get(9..12)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// Posts; the status of the answer.
pub(crate) fn post(address: &str, path: &str, headers: &str, body: &[u8]) -> Option<u16> {
    Some(ask(address, &format!("POST {path}"), headers, body)?.0)
}
