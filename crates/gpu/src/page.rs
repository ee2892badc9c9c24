//! A snapshot as dcgm-exporter's page.

use auscult_core::{Labels, METRIC_NAME};
use auscult_telemetry::metrics::exposition::TextPage;

use crate::field::FIELDS;
use crate::snapshot::{Gpu, Snapshot};
use crate::xid::WINDOW;

impl Snapshot {
    /// In Prometheus's text format, with dcgm-exporter's names, types and labels; `hostname` goes
    /// into the label `Hostname`. What a GPU does not tell is left out, and so is one that is lost.
    pub fn page(&self, hostname: &str) -> String {
        let mut page = TextPage::default();
        for (place, field) in FIELDS.iter().enumerate() {
            let told = self.gpus.iter().filter_map(|gpu| Some((gpu, gpu.values[place]?)));
            let told: Vec<(&Gpu, f64)> = told.collect();
            if told.is_empty() {
                continue;
            }
            page.family(field.name, field.kind, field.help);
            for (gpu, value) in told {
                page.sample(self.labels(gpu, hostname, field.name, &[]).as_ref(), value);
            }
        }
        if self.gpus.iter().any(|gpu| !gpu.recent_xids.is_empty()) {
            let (name, window) = ("DCGM_EXP_XID_ERRORS_COUNT", WINDOW.as_millis().to_string());
            page.family(name, "gauge", "XID errors within the window.");
            for gpu in &self.gpus {
                for (code, count) in &gpu.recent_xids {
                    let code = code.to_string();
                    let more = [("xid", code.as_str()), ("window_size_in_ms", window.as_str())];
                    page.sample(self.labels(gpu, hostname, name, &more).as_ref(), *count as f64);
                }
            }
        }
        page.finish()
    }

    fn labels(&self, gpu: &Gpu, hostname: &str, name: &str, more: &[(&str, &str)]) -> Labels {
        let (index, device) = (gpu.index.to_string(), format!("nvidia{}", gpu.index));
        let own = [
            (METRIC_NAME, name),
            ("gpu", index.as_str()),
            ("UUID", gpu.uuid.as_str()),
            ("pci_bus_id", gpu.pci_bus_id.as_str()),
            ("device", device.as_str()),
            ("modelName", gpu.model.as_str()),
            ("Hostname", hostname),
            ("DCGM_FI_DRIVER_VERSION", self.driver.as_str()),
        ];
        Labels::from_pairs(own.into_iter().chain(more.iter().copied()))
            .expect("each name is there once")
    }
}
