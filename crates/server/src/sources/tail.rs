//! The end of a file, line by line, while others write to it, replace it or cut it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use auscult_core::Timestamp;
use auscult_telemetry::metrics::MetricBatch;
use auscult_telemetry::{Format, Input, ReadOptions, Table, TimeColumn, read_table};

use super::Slice;
use super::follow::FollowSettings;
use super::records::{Reading, Records};

/// Most bytes of a piece.
const PIECE: u64 = 4 << 20;
/// Most bytes of a line.
const LONGEST_LINE: usize = 16 << 20;

/// Where one is in a file.
#[derive(Debug, Default)]
pub(super) struct Tail {
    settings: FollowSettings,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Device and number, which tell one file from another at the same path.
    identity: (u64, u64),
    at: u64,
    /// Behind the last line feed.
    partial: Vec<u8>,
    /// The first line of a CSV, with its line feed.
    header: Option<Vec<u8>>,
    format: Option<Format>,
}

/// What was read at once.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Oldest first.
    pub(super) slices: Vec<Slice>,
    /// Whether there may be more at once.
    pub(super) more: bool,
    /// Records that cannot be read.
    pub(super) refused: u64,
    /// What is wrong, in a sentence.
    pub(super) problem: Option<String>,
}

impl Open {
    fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { file, identity, at: 0, partial: Vec::new(), header: None, format: None })
    }
}

impl Tail {
    pub(super) fn new(settings: FollowSettings) -> Self {
        Self { settings, open: None }
    }

    /// Reads the next piece.
    pub(super) fn read(&mut self) -> Read {
        let mut read = Read::default();
        if let Err(error) = self.read_piece(&mut read) {
            read.problem = Some(format!("cannot be read: {error}"));
            self.open = None;
        }
        read
    }

    fn read_piece(&mut self, read: &mut Read) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(Open::new(File::open(&self.settings.path)?)?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let mut piece = Vec::new();
        let got = open.file.by_ref().take(PIECE).read_to_end(&mut piece)?;
        if got > 0 {
            open.at += got as u64;
            open.partial.extend_from_slice(&piece);
            read.more = true;
            if let Some(end) = open.partial.iter().rposition(|byte| *byte == b'\n') {
                let rest = open.partial.split_off(end + 1);
                let lines = std::mem::replace(&mut open.partial, rest);
                self.take_lines(&lines, read);
            } else if open.partial.len() > LONGEST_LINE {
                open.partial.clear();
                read.refused += 1;
                read.problem = Some(format!("a line has more than {LONGEST_LINE} bytes"));
            }
            return Ok(());
        }
        if open.file.metadata()?.len() < open.at {
            // Cut by its writer, who begins anew.
            open.file.seek(SeekFrom::Start(0))?;
            let file = open.file.try_clone()?;
            self.open = Some(Open::new(file)?);
            read.more = true;
            return Ok(());
        }
        let Ok(there) = self.settings.path.metadata() else { return Ok(()) };
        if (there.dev(), there.ino()) != open.identity {
            // Replaced: nobody ends the last line of the old one any more.
            let mut last = std::mem::take(&mut open.partial);
            if !last.is_empty() {
                last.push(b'\n');
                self.take_lines(&last, read);
            }
            self.open = None;
            read.more = true;
        }
        Ok(())
    }

    /// Takes whole lines.
    fn take_lines(&mut self, mut lines: &[u8], read: &mut Read) {
        let Some(open) = &mut self.open else { return };
        if open.format.is_none() {
            while let Some(rest) = lines.strip_prefix(b"\n") {
                lines = rest;
            }
            match lines.first() {
                None => return,
                Some(b'{') => open.format = Some(Format::JsonLines),
                Some(_) => {
                    let end = lines.iter().position(|byte| *byte == b'\n');
                    let (header, rest) = lines.split_at(end.map_or(lines.len(), |end| end + 1));
                    open.header = Some(header.to_vec());
                    open.format = Some(Format::Csv);
                    lines = rest;
                }
            }
        }
        let mut moments = BTreeMap::new();
        let header = open.header.clone().unwrap_or_default();
        let format = open.format;
        self.take_records((format, &header), lines, &mut moments, read);
        read.slices.extend(moments.into_iter().map(|(time, batch)| Slice { time, batch }));
    }

    /// Takes records; where some cannot be read, all but those.
    fn take_records(
        &self,
        (format, header): (Option<Format>, &[u8]),
        lines: &[u8],
        moments: &mut BTreeMap<Timestamp, MetricBatch>,
        read: &mut Read,
    ) {
        if lines.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let name = self.settings.path.display().to_string();
        let bytes: Arc<[u8]> = [header, lines].concat().into();
        let options = ReadOptions {
            format,
            header: (format == Some(Format::Csv)).then_some(true),
            time: self.settings.time.clone().map_or(TimeColumn::Detect, TimeColumn::Named),
            words: self.settings.labels.clone(),
            ..ReadOptions::default()
        };
        let table = read_table(&[Input::Bytes { name, bytes }], &options);
        let problem = match table.map_err(|error| error.to_string()) {
            Ok(table) => self.take_table(&table, moments).err(),
            Err(error) => Some(error),
        };
        let Some(problem) = problem else { return };
        let middle = lines.len() / 2;
        let half = lines[middle..].iter().position(|byte| *byte == b'\n');
        let half = half.map(|half| middle + half + 1).filter(|half| *half < lines.len());
        let half = half.or_else(|| {
            lines[..middle].iter().rposition(|byte| *byte == b'\n').map(|half| half + 1)
        });
        let Some(half) = half else {
            read.refused += 1;
            read.problem = Some(problem);
            return;
        };
        let (first, second) = lines.split_at(half);
        self.take_records((format, header), first, moments, read);
        self.take_records((format, header), second, moments, read);
    }

    fn take_table(
        &self,
        table: &Table,
        moments: &mut BTreeMap<Timestamp, MetricBatch>,
    ) -> Result<(), String> {
        let instance = self.settings.path.display().to_string();
        let reading = Reading {
            time: self.settings.time.as_deref(),
            labels: &self.settings.labels,
            counters: &[],
            job: &self.settings.job,
            instance: &instance,
        };
        Records::new(table, reading)?.sort(moments)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::{Path, PathBuf};

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("auscult-tail-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn append(&self, text: &str) {
            let file = std::fs::OpenOptions::new().append(true).create(true).open(&self.0);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.0));
        }
    }

    fn tail(path: &Path, labels: &[&str]) -> Tail {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Tail::new(FollowSettings { labels, ..FollowSettings::new(path) })
    }

    /// Everything that is new: `second name{labels} value`, and how many records were refused.
    fn news(tail: &mut Tail) -> (Vec<String>, u64) {
        let (mut shown, mut refused) = (Vec::new(), 0);
        loop {
            let read = tail.read();
            refused += read.refused;
            for slice in &read.slices {
                for series in slice.batch.series() {
                    let second = slice.time.nanos() / 1_000_000_000;
                    let label = series.labels.get("rank").unwrap_or_default();
                    let value = series.points[0].value;
                    shown.push(format!("{second} {}[{label}] {value}", series.labels.metric()));
                }
            }
            if !read.more {
                return (shown, refused);
            }
        }
    }

    #[test]
    fn lines_count_once_they_are_whole() {
        let file = Scratch::new("whole");
        let mut tail = tail(&file.0, &["rank"]);
        assert!(tail.read().problem.is_some_and(|problem| problem.starts_with("cannot be read: ")));
        file.append("time,rank,loss\n2024-05-01T00:00:00Z,0,2.5\n2024-05-01T00:00:");
        let start = 1_714_521_600;
        assert_eq!(news(&mut tail), (vec![format!("{start} loss[0] 2.5")], 0));
        assert_eq!(news(&mut tail), (vec![], 0));
        file.append("01Z,1,2.25\n");
        assert_eq!(news(&mut tail), (vec![format!("{} loss[1] 2.25", start + 1)], 0));
    }

    #[test]
    fn a_file_that_is_replaced_or_cut_is_read_from_its_start() {
        let (file, old) = (Scratch::new("rotated"), Scratch::new("rotated.1"));
        let record = |second: u32, loss: u32| {
            format!("{{\"time\": \"2024-05-01T00:00:{second:02}Z\", \"loss\": {loss}}}\n")
        };
        let mut tail = tail(&file.0, &[]);
        file.append(&record(0, 1));
        assert_eq!(news(&mut tail).0.len(), 1);
        // The last line of the old file comes without its line feed, after the move.
        std::fs::rename(&file.0, &old.0).unwrap();
        old.append(record(1, 2).trim_end());
        file.append(&record(2, 3));
        assert_eq!(news(&mut tail).0, ["1714521601 loss[] 2", "1714521602 loss[] 3"]);
        std::fs::write(&file.0, "").unwrap();
        assert_eq!(news(&mut tail).0.len(), 0);
        // Another format after the cut: all is told anew.
        file.append("ts;loss\n1714521603;4\n");
        assert_eq!(news(&mut tail).0, ["1714521603 loss[] 4"]);
    }

    #[test]
    fn records_that_cannot_be_read_do_not_take_others_with_them() {
        let file = Scratch::new("broken");
        let mut text = "time,loss\n".to_owned();
        for second in 0..40 {
            text.push_str(&format!("{},{second}\n", 1_714_521_600 + second));
            if second % 20 == 7 {
                text.push_str("torn\nsoon,5\n");
            }
        }
        file.append(&text);
        let (shown, refused) = news(&mut tail(&file.0, &[]));
        assert_eq!((shown.len(), refused), (40, 4), "{shown:?}");
        let timeless = Scratch::new("timeless");
        timeless.append("loss,rate\n1,2\n");
        assert_eq!(news(&mut tail(&timeless.0, &[])), (vec![], 1));
    }
}
