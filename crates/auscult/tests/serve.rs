//! Calls of `auscult serve` that cannot be, and its process.

use crate::call::auscult;
use crate::service::Service;

#[test]
fn sources_that_cannot_be_are_refused_in_words() {
    let cases = [
        (&["--scrape", "http://"][..], "`http://` is no address to scrape: empty host"),
        (
            &["--scrape", "a:1", "--scrape-interval", "5"],
            "`5` is no duration: expected one such as 15s",
        ),
        (&["--scrape", "u:p@a:1"], "is no address to scrape"),
        (&["--query", "up"], "--prometheus <URL>"),
        (&["--prometheus", "http://a:1"], "--query <PROMQL>"),
        (
            &["--listen", "127.0.0.1:0", "--prometheus", "ftp://a:1", "--query", "up"],
            "`ftp://a:1` cannot be asked: scheme `ftp` is not spoken: expected http or https",
        ),
        (
            &["--listen", "127.0.0.1:0", "--scrape", "ftp://a"],
            "job `scrape` cannot be scraped: target `a:21`: scheme `ftp` is not spoken: expected http or https",
        ),
    ];
    for (arguments, sentence) in cases {
        let ended = auscult(&[&["serve"], arguments].concat(), "");
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert!(ended.err.contains(sentence), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn hashes_of_secrets_are_printed_and_weak_secrets_refused() {
    let token = auscult(&["hash-secret", "--token"], "a long token that nobody can guess\n");
    assert_eq!(
        token.out,
        "sha256:ae7a2dca45433bc71c34dabc57bc8dfde54385c039589fc89774d6a480b9e1e4\n"
    );
    let password = auscult(&["hash-secret"], "swordfish");
    assert!(password.out.starts_with("$2b$10$"), "{}", password.out);
    let weak = auscult(&["hash-secret", "--token"], "swordfish\n");
    assert_eq!(weak.code, 2);
    assert!(weak.err.contains("the token has 9 bytes: expected a random one of 20 or more"));
}

/// glibc reads it once, when a process begins: it is there only if the service started itself anew.
#[test]
fn the_allocator_has_no_more_arenas_than_there_are_processors() {
    let service = Service::start(&["--data", "none", "--otlp-http", "none", "--otlp-grpc", "none"]);
    let Ok(environment) = std::fs::read(format!("/proc/{}/environ", service.child.id())) else {
        eprintln!("there is no /proc: the environment of the service is not looked at");
        return;
    };
    let bound = environment.split(|byte| *byte == 0).find_map(|pair| {
        std::str::from_utf8(pair).ok()?.strip_prefix("MALLOC_ARENA_MAX=")?.parse::<usize>().ok()
    });
    let processors = std::thread::available_parallelism().unwrap().get();
    assert_eq!(bound, cfg!(target_env = "gnu").then_some(processors.max(2)));
}
