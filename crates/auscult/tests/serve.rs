//! Calls of `auscult serve` that cannot be.

use crate::call::auscult;

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
            &["--listen", "127.0.0.1:0", "--prometheus", "https://a:1", "--query", "up"],
            "`https://a:1` cannot be asked: scheme `https` is not spoken: expected http",
        ),
        (
            &["--listen", "127.0.0.1:0", "--scrape", "https://a"],
            "job `scrape` cannot be scraped: target `a:443`: scheme `https` is not spoken: expected http",
        ),
    ];
    for (arguments, sentence) in cases {
        let ended = auscult(&[&["serve"], arguments].concat(), "");
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert!(ended.err.contains(sentence), "{arguments:?}: {}", ended.err);
    }
}
