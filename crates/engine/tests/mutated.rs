//! Selectors that chance changes: read as they are shown, or refused in a sentence.
//!
//! `AUSCULT_FUZZ=1000000 cargo test -p auscult-engine mutated` tries so many; some thousand otherwise.

use auscult_core::Labels;
use auscult_engine::Selector;
use proptest::prelude::*;

const SELECTORS: [&str; 6] = [
    r#"up{job=~"a|b", gpu!="3", x!~""}"#,
    r#"{__name__=~"vllm:.*", job="llm",}"#,
    r#"{"odd.name", "a label"="\u00e9\n\\"}"#,
    "node_load1",
    "{job='it''s', x=`raw \\ text`}",
    r#"{a!~"(x|y)+[0-9]{2,3}$"}"#,
];

const PIECES: [&str; 20] = [
    "{",
    "}",
    "\"",
    "'",
    "`",
    "\\",
    "\\x",
    "\\u12",
    ",",
    "=",
    "=~",
    "!",
    "!~",
    "(",
    "[",
    "{9999}",
    "é",
    "\0",
    " ",
    "__name__=",
];

fn cases() -> u32 {
    let asked = std::env::var("AUSCULT_FUZZ").ok();
    asked.map_or(4_000, |text| text.parse().expect("AUSCULT_FUZZ is a number"))
}

fn survives(text: &str) {
    let Ok(selector) = text.parse::<Selector>() else { return };
    let shown = selector.to_string();
    let again: Selector =
        shown.parse().unwrap_or_else(|error| panic!("`{text}` is shown as `{shown}`: {error}"));
    assert_eq!(again.to_string(), shown, "`{text}`");
    let labels = Labels::from_pairs([("__name__", "up"), ("job", "a"), ("gpu", "4")]).unwrap();
    assert_eq!(again.matches(labels.as_ref()), selector.matches(labels.as_ref()), "`{text}`");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_selectors_are_read_as_they_are_shown_or_refused(
        from in 0..SELECTORS.len(),
        changes in prop::collection::vec((0..2_u8, any::<u16>(), 0..PIECES.len()), 0..4),
    ) {
        let mut text = SELECTORS[from].to_owned();
        for (what, at, piece) in changes {
            let mut at = usize::from(at) % (text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match what {
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert_str(at, PIECES[piece]),
            }
        }
        survives(&text);
    }
}
