//! A recording: a row a second, columns by name; and what was done when.

/// Something that was done to the server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) name: String,
    /// Seconds since the recording began.
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// When nothing waited any more.
    pub(crate) drained: f64,
}

impl Fault {
    pub(crate) fn holds(&self, at: f64) -> bool {
        at >= self.from && at < self.to
    }
}

/// Rows of numbers; what is not there is not a number.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) seconds: Vec<f64>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    pub(crate) fn new(columns: Vec<String>) -> Self {
        Self { columns, seconds: Vec::new(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, second: f64, row: Vec<f64>) {
        self.seconds.push(second);
        self.rows.push(row);
    }

    /// A recording of `examples/data/llama_cpp`, and what was done in it.
    pub(crate) fn read(metrics: &str, truth: &str) -> (Self, Vec<Fault>) {
        let mut lines = metrics.lines();
        let names: Vec<String> = head(&mut lines).iter().map(|name| (*name).to_owned()).collect();
        let mut table = Self::new(names[2..].to_vec());
        let mut begin = None;
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let time = time_of_day(cells[0]);
            let begin = *begin.get_or_insert(time);
            let row = cells[2..].iter().map(|cell| cell.parse().unwrap_or(f64::NAN)).collect();
            table.push(time - begin, row);
        }
        let begin = begin.expect("a recording has rows");
        let mut lines = truth.lines();
        head(&mut lines);
        let fault = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            let at = |cell: usize| time_of_day(cells[cell]) - begin;
            Fault { name: cells[0].to_owned(), from: at(2), to: at(3), drained: at(4) }
        };
        (table, lines.map(fault).collect())
    }

    /// Values of a column.
    pub(crate) fn column(&self, name: &str) -> impl Iterator<Item = f64> + '_ {
        let place = self.columns.iter().position(|column| column == name).expect("a known column");
        self.rows.iter().map(move |row| row[place])
    }

    /// Readings of a column: of a counter its growth a second.
    pub(crate) fn readings(&self, name: &str, is_counter: bool) -> Vec<(f64, f64)> {
        let mut readings = Vec::new();
        let mut before: Option<(f64, f64)> = None;
        for (second, value) in self.seconds.iter().copied().zip(self.column(name)) {
            if !is_counter {
                readings.push((second, value));
                continue;
            }
            // Over a gap it is the mean rate; a counter that fell began anew.
            if let Some((at, last)) = before.filter(|_| value.is_finite()) {
                let growth = if value >= last { value - last } else { value };
                readings.push((second, growth / (second - at)));
            } else {
                readings.push((second, f64::NAN));
            }
            if value.is_finite() {
                before = Some((second, value));
            }
        }
        readings
    }
}

fn head<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    lines.next().unwrap_or_default().split(',').collect()
}

/// Seconds of `2026-11-26T04:16:23.145614Z` since midnight; the recording lies within a day.
pub(crate) fn time_of_day(text: &str) -> f64 {
    let clock = text.split('T').nth(1).unwrap_or_default().trim_end_matches('Z');
    clock.split(':').fold(0.0, |seconds, part| seconds * 60.0 + part.parse::<f64>().unwrap_or(0.0))
}
