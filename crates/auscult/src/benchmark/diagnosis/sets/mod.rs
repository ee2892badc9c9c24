//! The public collections of incidents, one a file.

mod nezha;
mod petshop;
mod robustspot;
mod sockshop1;

use super::Set;

/// Every set.
pub(crate) const SETS: &[&Set] =
    &[&sockshop1::SET, &nezha::BOUTIQUE, &nezha::TICKET, &petshop::SET, &robustspot::SET];

/// The set called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Set> {
    SETS.iter().copied().find(|set| set.name == name)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::Table;
    use super::*;

    /// The tables of the set called `name`, where its data are at hand; `AUSCULT_SHARED_DATA`
    /// names the folder.
    fn tables(name: &str, methods: &[&'static str]) -> Option<Vec<Table>> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
        let data = std::env::var_os("AUSCULT_SHARED_DATA").map_or(beside, PathBuf::from);
        let set = find(name).expect("a set");
        let Some(folder) = set.folder(&data) else {
            eprintln!(
                "skipped: no {name} in {}; set AUSCULT_SHARED_DATA to try it",
                data.display()
            );
            return None;
        };
        Some((set.measure)(&folder, methods).expect("figures"))
    }

    /// The figure of `key` that the method at `line` has.
    fn figure(table: &Table, line: usize, key: &str) -> f64 {
        let column = table.columns.iter().position(|column| column.key == key).expect("a column");
        table.lines[line].figures[column].expect("a figure")
    }

    #[test]
    fn causes_of_sock_shop_are_named_whatever_is_known_of_the_onset() {
        let Some(tables) = tables("sockshop1", &["combined", "robust-shift"]) else { return };
        assert_eq!(tables.len(), 3);
        for table in &tables {
            assert!(figure(table, 0, "ac1") >= 0.97, "{table:?}");
            assert!(figure(table, 0, "metric_ac1") > 0.87, "{table:?}");
            assert!(figure(table, 1, "ac1") >= 0.97, "{table:?}");
        }
    }

    /// The shares that a run of the published code had on the same incidents.
    #[test]
    fn baselines_of_sock_shop_have_the_figures_that_others_measured() {
        let Some(tables) = tables("sockshop1", &["baro", "n-sigma"]) else { return };
        let expected = [
            (0, 0, "ac1", 0.97),
            (0, 0, "avg5", 0.99),
            (0, 0, "metric_ac1", 0.87),
            (0, 0, "metric_avg5", 0.97),
            (1, 0, "ac1", 0.93),
            (0, 1, "ac1", 0.93),
            (0, 1, "avg5", 0.99),
            (1, 1, "ac1", 0.07),
        ];
        for (table, line, key, value) in expected {
            let found = figure(&tables[table], line, key);
            assert!((found - value).abs() < 0.01, "{key} of {line} in {table}: {found}");
        }
    }

    #[test]
    fn causes_of_online_boutique_are_named_from_metrics_alone() {
        let Some(tables) = tables("nezha-ob", &["combined"]) else { return };
        assert!(figure(&tables[0], 0, "ac1") >= 0.56, "{tables:?}");
        assert!(figure(&tables[0], 0, "ac3") >= 0.73, "{tables:?}");
    }

    #[test]
    fn causes_of_train_ticket_are_named_from_logs_and_spans() {
        let methods = ["requests", "requests-by-template"];
        let Some(tables) = tables("nezha-tt", &methods) else { return };
        assert!(figure(&tables[0], 0, "ac1") > 0.8, "{tables:?}");
        assert!(figure(&tables[0], 1, "ac1") > 0.6, "{tables:?}");
        assert!(figure(&tables[0], 0, "ac3") > 0.9, "{tables:?}");
    }

    #[test]
    fn causes_of_petshop_are_named_and_healthy_windows_have_none() {
        let Some(tables) = tables("petshop", &["combined"]) else { return };
        let mean = |key: &str| {
            tables.iter().map(|table| figure(table, 0, key)).sum::<f64>() / tables.len() as f64
        };
        assert!(mean("ac1") > 0.65 && mean("ac3") > 0.83, "{tables:?}");
        assert!(tables.iter().all(|table| figure(table, 0, "quiet") >= 0.8), "{tables:?}");
    }

    #[test]
    fn segments_of_robustspot_are_found() {
        let Some(tables) = tables("robustspot", &["segment-scan"]) else { return };
        assert!(figure(&tables[0], 0, "ac1") >= 0.74, "{tables:?}");
    }
}
