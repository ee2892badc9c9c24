//! Names and kinds of the columns.

use std::fmt;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`crate::Cells::Numbers`].
    Numbers,
    /// [`crate::Cells::Words`].
    Words,
    /// [`crate::Cells::Times`].
    Times,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Words => "words",
            Self::Times => "times",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Name and kind of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name; `column3` where the file gives the third column none.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// Makes names unique: what is called `gpu` a second time becomes `gpu.2`.
pub(crate) fn unique(names: Vec<String>) -> Vec<String> {
    let mut taken: std::collections::HashSet<String> = names.iter().cloned().collect();
    let mut seen = std::collections::HashMap::<String, usize>::new();
    let mut unique = Vec::with_capacity(names.len());
    for name in names {
        let count = seen.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            unique.push(name);
            continue;
        }
        let renamed = loop {
            let renamed = format!("{name}.{count}");
            if taken.insert(renamed.clone()) {
                break renamed;
            }
            *count += 1;
        };
        unique.push(renamed);
    }
    unique
}

/// Where in `names` the column called `wanted` is: by name or, failing that,
/// by number from 1.
pub(crate) fn position(names: &[String], wanted: &str) -> Option<usize> {
    names.iter().position(|name| name == wanted).or_else(|| {
        let number: usize = wanted.parse().ok()?;
        (1..=names.len()).contains(&number).then(|| number - 1)
    })
}

/// Whether a column of that name usually says when.
pub(crate) fn is_time_name(name: &str) -> bool {
    const NAMES: [&str; 25] = [
        "time",
        "timestamp",
        "timestamps",
        "ts",
        "date",
        "datetime",
        "epoch",
        "unixtime",
        "unixtimestamp",
        "unix",
        "timems",
        "timeus",
        "timens",
        "timestampms",
        "timestampus",
        "timestampns",
        "timeutc",
        "timestamputc",
        "datetimeutc",
        "eventtime",
        "eventtimestamp",
        "starttime",
        "startedat",
        "createdat",
        "when",
    ];
    let plain: String =
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn second_names_are_numbered_and_never_collide() {
        let names = unique(strings(&["a", "a", "a.2", "a", "b"]));
        assert_eq!(names, ["a", "a.3", "a.2", "a.4", "b"]);
    }

    #[test]
    fn a_column_is_found_by_name_before_number() {
        let names = strings(&["x", "1", "y"]);
        assert_eq!(position(&names, "1"), Some(1));
        assert_eq!(position(&names, "3"), Some(2));
        assert_eq!(position(&names, "4"), None);
        assert_eq!(position(&names, "0"), None);
    }

    #[test]
    fn time_names_are_known_in_every_spelling() {
        for name in
            ["time", "TimeStamp", "TIMESTAMP", "event_time", "Date", "timestamp_ms", "Time (UTC)"]
        {
            assert!(is_time_name(name), "{name}");
        }
        for name in ["latency", "response_time", "uptime", "update", "value"] {
            assert!(!is_time_name(name), "{name}");
        }
    }
}
