//! Keys and kinds of a file, from its first lines.

use std::collections::{HashMap, HashSet};

use super::scan::{Scanner, Value};
use crate::error::Fault;
use crate::evidence::{Evidence, SAMPLE_CELLS};

/// What the first lines of a file show.
#[derive(Debug, Default)]
pub(crate) struct Probed {
    /// Paths of the values, in order of first appearance.
    pub(crate) names: Vec<String>,
    /// What the values at each path look like.
    pub(crate) evidence: Vec<Evidence>,
}

/// Whether a text that begins with `head` is meant to be JSON.
pub(crate) fn looks_like_json(head: &[u8]) -> bool {
    match head.trim_ascii_start() {
        [b'{', ..] => true,
        [b'[', rest @ ..] => matches!(rest.trim_ascii_start(), [b'{' | b'[', ..]),
        _ => false,
    }
}

/// Looks at `head`, the first bytes of a file, `whole` if they are all of it.
pub(crate) fn probe(head: &[u8], whole: bool) -> Result<Probed, (usize, Fault)> {
    if head.trim_ascii_start().first() == Some(&b'[') {
        let reason = "got one list: write its objects on lines of their own, \
                      for example with `jq -c '.[]'`";
        return Err((0, Fault::Json { reason: reason.to_owned() }));
    }
    let mut probed = Probed::default();
    let mut known = HashMap::new();
    let mut scanner = Scanner::default();
    let mut rows = 0;
    let mut at = 0;
    while rows < SAMPLE_CELLS && at < head.len() {
        let end = match memchr::memchr(b'\n', &head[at..]) {
            Some(end) => at + end,
            None if whole => head.len(),
            // The rest of the line is not known.
            None if rows > 0 => break,
            None => {
                return Err((at, Fault::LongRecord { limit: crate::blocks::LONGEST_RECORD_MIB }));
            }
        };
        let line = &head[at..end];
        if !line.trim_ascii().is_empty() {
            let mut note = |path: &[u8], value: Value<'_>| probed.note(&mut known, path, value);
            scanner.scan(line, &mut note).map_err(|(offset, fault)| (at + offset, fault))?;
            rows += 1;
        }
        at = end + 1;
    }
    if rows == 0 {
        return Err((0, Fault::Empty));
    }
    probed.drop_outer();
    if probed.names.is_empty() {
        return Err((0, Fault::NoColumns));
    }
    Ok(probed)
}

impl Probed {
    fn note(
        &mut self,
        known: &mut HashMap<Vec<u8>, usize>,
        path: &[u8],
        value: Value<'_>,
    ) -> Result<(), Fault> {
        let at = match known.get(path) {
            Some(&at) => at,
            None => {
                let name = std::str::from_utf8(path)
                    .map_err(|_| Fault::NotUtf8 { text: crate::column::lossy(path) })?;
                self.names.push(name.to_owned());
                self.evidence.push(Evidence::default());
                known.insert(path.to_vec(), self.names.len() - 1);
                self.names.len() - 1
            }
        };
        let evidence = &mut self.evidence[at];
        match value {
            Value::Null => {}
            Value::Bool(_) => evidence.add(b"1"),
            Value::Number(cell) | Value::Text(cell) => evidence.add(crate::cell::trimmed(cell)),
            // Refused in its turn, if it is wanted at all.
            Value::List => evidence.add(b"list"),
        }
        Ok(())
    }

    /// Drops what is an object on some lines and `null` on others: the values
    /// inside it have columns of their own.
    fn drop_outer(&mut self) {
        let mut outer = HashSet::new();
        for name in &self.names {
            outer.extend(name.match_indices('.').map(|(end, _)| &name[..end]));
        }
        let keep: Vec<bool> = self
            .names
            .iter()
            .zip(&self.evidence)
            .map(|(name, evidence)| evidence.has_values() || !outer.contains(name.as_str()))
            .collect();
        let mut kept = keep.iter();
        self.names.retain(|_| *kept.next().expect("as many"));
        let mut kept = keep.iter();
        self.evidence.retain(|_| *kept.next().expect("as many"));
    }
}
