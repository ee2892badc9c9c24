//! Any text as a series selector: one that shows itself as it was read, or a sentence.
#![no_main]

use auscult_core::Labels;
use auscult_engine::Selector;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let selector: Selector = match text.parse() {
        Ok(selector) => selector,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let again: Selector = selector.to_string().parse().unwrap_or_else(|error| {
        panic!("`{text}` is shown as `{selector}`, which is refused: {error}")
    });
    assert_eq!(again.to_string(), selector.to_string());
    let labels = Labels::from_pairs([("__name__", "up"), ("job", "llm"), ("gpu", "3")]);
    let labels = labels.expect("sound labels");
    assert_eq!(again.matches(labels.as_ref()), selector.matches(labels.as_ref()));
});
