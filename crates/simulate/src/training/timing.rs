//! How long a step takes: each rank's own time, the slowest, and the exchanges.

use super::settings::JobSettings;
use crate::conditions::{JobConditions, RankConditions};
use crate::random::Random;
use crate::supply::{GpuSupply, HostSupply};

/// Large and small kernels: the part of the arithmetic that is theirs, and how long the host takes
/// to prepare them beside their arithmetic. Preparing hides while the GPU has work queued.
const KERNELS: [(f64, f64); 2] = [(0.75, 0.35), (0.25, 0.8)];
/// Part of a step that runs on the host alone (optimiser bookkeeping, logging).
const SERIAL: f64 = 0.012;
/// Part of an exchange that cannot be hidden: the first to be waited for, the last to be sent.
const EXPOSED: f64 = 0.25;
/// Part of the arithmetic that exchanges within layers take, on links as published.
const WITHIN_LAYERS: f64 = 0.10;
/// Bytes a second of a GPU's port on the fabric, 400 Gb/s.
const PORT: f64 = 50.0e9;
/// Spread of a rank's own time from step to step.
const JITTER: f64 = 0.004;
/// Share of bandwidth below which nothing gets through.
pub(super) const DEAD: f64 = 0.01;

/// Times of a step, in seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Timing {
    /// Each rank's arithmetic on the GPU.
    pub(super) gpu: Vec<f64>,
    /// Each rank's own time: arithmetic, and what the host adds to it.
    pub(super) own: Vec<f64>,
    /// Each rank's waiting for data.
    pub(super) data: Vec<f64>,
    /// The shortest own time.
    pub(super) fastest: f64,
    /// When the first rank enters the collective, after its own time and waiting for data.
    pub(super) first_entry: f64,
    /// The longest of own time and waiting for data.
    pub(super) slowest: f64,
    /// Exchanges that are not hidden.
    pub(super) exchange: f64,
    /// Stages waiting for the first and after the last part of the batch.
    pub(super) bubble: f64,
    /// All together.
    pub(super) step: f64,
    /// Whether some link gives nothing, so that no collective ends.
    pub(super) blocked: bool,
    /// Where each rank stands, from -1 to 1.
    positions: Vec<f64>,
}

impl Timing {
    pub(super) fn new(settings: &JobSettings) -> Self {
        let ranks = settings.ranks();
        Self {
            gpu: vec![0.0; ranks],
            own: vec![0.0; ranks],
            data: vec![0.0; ranks],
            positions: (0..ranks).map(|rank| settings.position(rank)).collect(),
            ..Self::default()
        }
    }

    /// Works the times out from what GPUs and hosts give. O(ranks).
    pub(super) fn work_out(
        &mut self,
        settings: &JobSettings,
        gpus: &[GpuSupply],
        hosts: &[HostSupply],
        conditions: &JobConditions,
        ranks: &[RankConditions],
        random: &mut Random,
    ) {
        let base = settings.arithmetic_seconds();
        let each = settings.gpus_per_host;
        let (mut nvlink, mut fabric, mut pcie): (f64, f64, f64) = (1.0, 1.0, 1.0);
        let mut slowest: f64 = 0.0;
        let mut fastest = f64::INFINITY;
        for (host, supply) in hosts.iter().enumerate() {
            fabric = fabric.min(supply.fabric);
            let prepare = KERNELS.map(|(part, longer)| part * longer * base / supply.cpu);
            let serial = base * SERIAL / supply.cpu;
            for rank in host * each..((host + 1) * each).min(gpus.len()) {
                let gpu = &gpus[rank];
                nvlink = nvlink.min(gpu.nvlink);
                pcie = pcie.min(gpu.pcie);
                let work = 1.0 + conditions.imbalance * self.positions[rank];
                let bits = random.bits();
                // Two halves make a triangle, which is near enough to a normal.
                let wide = (bits >> 32) as f64 + (bits & 0xffff_ffff) as f64;
                let jitter = 1.0 + JITTER * 2.45 * (wide / 4_294_967_296.0 - 1.0);
                let arithmetic = base * work * jitter / gpu.clock.max(0.01);
                let large = (KERNELS[0].0 * arithmetic).max(prepare[0]);
                let small = (KERNELS[1].0 * arithmetic).max(prepare[1]);
                let own = (large + small + serial) / ranks[rank].speed.max(0.01);
                self.gpu[rank] = arithmetic;
                self.own[rank] = own;
                slowest = slowest.max(own);
                fastest = fastest.min(own);
            }
        }
        self.fastest = fastest;
        let spread = hosts.len() > 1;
        self.blocked = spread && fabric < DEAD || nvlink < DEAD;
        if self.blocked {
            // The step that stands still keeps the times it had.
            return;
        }
        let tensor = f64::from(u8::from(settings.tensor > 1));
        let within = tensor * WITHIN_LAYERS * base / nvlink.max(DEAD);
        let links = settings.gpu.accelerator.nvlink_bytes * nvlink.max(DEAD);
        let way = if spread {
            // A ring passes links and ports; a GPU reaches its port over its own lanes.
            let lanes = settings.gpu.accelerator.pcie_bytes * pcie.max(DEAD);
            links.min(PORT * fabric.max(DEAD)).min(lanes)
        } else {
            links
        };
        let between = settings.exchange_bytes() / way;
        let hidden = (1.0 - EXPOSED) * between - settings.overlap * base;
        self.exchange = within + EXPOSED * between + hidden.max(0.0);
        let stages = settings.pipeline as f64;
        let bubble = (stages - 1.0) / settings.micro_batches as f64;

        let without = slowest * (1.0 + bubble) + self.exchange;
        self.slowest = self.load(settings, hosts, conditions, base, without);
        self.bubble = slowest * bubble;
        let entries = self.own.iter().zip(&self.data).map(|(own, data)| own + data);
        self.first_entry = entries.fold(f64::INFINITY, f64::min);
        self.step = self.slowest + self.bubble + self.exchange;
    }

    /// Waiting for data: what making a batch takes longer than a step. Gives the slowest rank's
    /// time with it.
    fn load(
        &mut self,
        settings: &JobSettings,
        hosts: &[HostSupply],
        conditions: &JobConditions,
        base: f64,
        step: f64,
    ) -> f64 {
        let each = settings.gpus_per_host;
        let ranks = self.own.len();
        let bytes = settings.batch_tokens * settings.token_bytes / ranks as f64;
        let mut slowest: f64 = 0.0;
        for (host, supply) in hosts.iter().enumerate() {
            let making = settings.loader * base / (conditions.loader_speed.max(1e-3) * supply.cpu);
            let reading = bytes * each as f64 / supply.read_bytes.max(1.0);
            let wait = (making.max(reading) - step).max(0.0);
            for rank in host * each..((host + 1) * each).min(ranks) {
                self.data[rank] = wait;
                slowest = slowest.max(self.own[rank] + wait);
            }
        }
        slowest
    }
}
