//! How a law ends for a case.

/// A law by name, and why a method need not keep it.
pub type Excuse = (&'static str, &'static str);

/// Kept, or broken and how.
pub(crate) type Verdict = Result<(), String>;

/// A law: its name and its check.
pub(crate) type Law<C> = (&'static str, fn(&C) -> Verdict);

/// Puts a case through all laws and says what failed.
pub(crate) fn failures<C>(
    name: &str,
    excused: &[Excuse],
    laws: &[Law<C>],
    case: &C,
) -> Vec<String> {
    let mut failures = Vec::new();
    for (excuse, _) in excused {
        if !laws.iter().any(|(law, _)| law == excuse) {
            failures.push(format!("{name}: excused from `{excuse}`, which is no law"));
        }
    }
    for (law, check) in laws {
        let excuse = excused.iter().find(|(excuse, _)| excuse == law);
        // A panic breaks the law like any other failure, and hides no further one.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case)))
            .unwrap_or_else(|_| Err("it panicked, see above".to_owned()));
        match (outcome, excuse) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some((_, reason))) => failures.push(format!(
                "{name}: obeys `{law}` though excused ({reason}); remove the excuse"
            )),
            (Err(how), None) => failures.push(format!("{name}: breaks `{law}`: {how}")),
        }
    }
    failures
}

/// Fails with `how` unless `kept`.
pub(crate) fn ensure(kept: bool, how: impl FnOnce() -> String) -> Verdict {
    if kept { Ok(()) } else { Err(how()) }
}

/// An error of the method as a broken law.
pub(crate) fn refused(error: impl std::fmt::Display) -> String {
    format!("it refused: {error}")
}
