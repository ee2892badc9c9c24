//! Times one method on one data set and prints a line of JSON.
//!
//! `auscult-bench CASE DATA ROWS COLUMNS` reads `ROWS x COLUMNS` little-endian
//! `f64` from `DATA`, row by row, and prints `{"seconds": …, …}` where seconds
//! count the method alone, not the reading. `bench/peers/run.py` runs it in
//! turn with the Python peer of the same case on the same data.

mod cases;
mod data;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [case, path, rows, columns] = arguments.as_slice() else {
        eprintln!("usage: auscult-bench CASE DATA ROWS COLUMNS; cases: {}", cases::names());
        std::process::exit(2);
    };
    let parse = |text: &str| text.parse::<usize>().expect("ROWS and COLUMNS are whole numbers");
    let (rows, columns) = (parse(rows), parse(columns));
    let readings = data::read(path, rows * columns);
    let Some(run) = cases::find(case) else {
        eprintln!("no case `{case}`; there are: {}", cases::names());
        std::process::exit(2);
    };
    println!("{}", run(&readings, rows, columns));
}
