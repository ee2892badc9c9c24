//! A simulation in step with the clock, faster by a factor.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auscult_simulate::exposition::Exposition;
use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::simulation::Simulation;

/// A simulation that other threads look at while it goes on.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    simulation: Arc<Mutex<Simulation>>,
    pages: Arc<[(Page, Exposition)]>,
}

/// What a scrape of a page gets, ready to be sent.
#[derive(Debug)]
pub(crate) enum Shown {
    /// The text, after so long.
    Text(String, Duration),
    /// The connection closes.
    Refused,
    /// Nothing, for ever.
    Hangs,
    /// Only a status.
    Status(u16),
}

impl Live {
    pub(crate) fn new(simulation: Simulation) -> Self {
        let pages = simulation.pages().iter();
        let pages = pages.map(|page| (page.clone(), Exposition::new(page))).collect();
        Self { simulation: Arc::new(Mutex::new(simulation)), pages }
    }

    /// Everything that can be scraped.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().map(|(page, _)| page)
    }

    pub(crate) fn simulation(&self) -> MutexGuard<'_, Simulation> {
        self.simulation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a scrape of page number `page` gets now.
    pub(crate) fn read(&self, page: usize) -> Shown {
        let mut values = Values::default();
        match self.simulation().read(page, &mut values) {
            Answer::Page(seconds) => {
                let mut text = String::new();
                self.pages[page].1.write(&values, &mut text);
                Shown::Text(text, Duration::from_secs_f64(seconds.clamp(0.0, 3600.0)))
            }
            Answer::Refused => Shown::Refused,
            Answer::Hangs => Shown::Hangs,
            Answer::Status(status) => Shown::Status(status),
        }
    }

    /// Plays `seconds` of the simulation, `speed` times as fast as the clock goes, or slower if
    /// the machine is. Calls `each` after every second.
    pub(crate) async fn play(
        &self,
        seconds: u64,
        speed: f64,
        mut each: impl FnMut(&mut Simulation),
    ) {
        let begin = Instant::now();
        for second in 1..=seconds {
            {
                let mut simulation = self.simulation();
                simulation.advance();
                each(&mut simulation);
            }
            let due = begin + Duration::from_secs_f64(second as f64 / speed);
            tokio::time::sleep_until(due.into()).await;
        }
    }
}
