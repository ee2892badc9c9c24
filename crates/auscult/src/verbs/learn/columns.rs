//! Text in aligned columns.

/// `rows` with every column as wide as its widest cell, indented by two; the
/// first `left` columns start at the left, the others end at the right.
pub(crate) fn aligned(rows: &[Vec<String>], left: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            line.push(' ');
            if column < left {
                line.extend([cell.as_str(), &pad, " "]);
            } else {
                line.extend([&pad, cell.as_str(), " "]);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn words_start_and_numbers_end_together() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = aligned(&[row(["cause", "rows"]), row(["fan", "12"])], 1);
        assert_eq!(text, "  cause  rows\n  fan      12\n");
    }
}
