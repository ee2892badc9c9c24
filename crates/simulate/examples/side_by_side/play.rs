//! The recorded hour of a real llama.cpp server, played by the simulated one: same load, same faults, same times.

use auscult_simulate::exporter::llama_cpp;
use auscult_simulate::page::Values;
use auscult_simulate::random::Random;
use auscult_simulate::serving::{
    LlamaConditions, LlamaOutcome, LlamaRequest, LlamaServer, LlamaSpec,
};

use super::table::{Fault, Table};

/// The recorded server: `examples/llama-cpp/record.py` starts it with four slots. What it costs to compute is taken
/// from the recording: the turn and the token from the medians of its speeds in the 330 seconds before the first fault (990
/// tokens a second of prompts of 60, 627 of answers), the context from the answers without end (46 s for 1,630 turns of
/// four), of which the number of turns is no evidence therefore.
pub(crate) const SERVER: LlamaSpec = LlamaSpec {
    slots: 4,
    batch: 2048,
    turn_seconds: 0.1e-3,
    token_seconds: 0.77e-3,
    context_seconds: 7.7e-6,
    start_seconds: 0.6,
};
/// Clients beside the light load that ask again and again, and requests under way beyond which none is sent.
const BUSY_CLIENTS: usize = 16;
const MOST_WAITING: usize = 24;
/// Tokens of prompts and answers, and of the prompts of the surge; spread of their logarithm.
const TOKENS: f64 = 60.0;
const LONG_PROMPT: f64 = 1500.0;
const SPREAD: f64 = 0.3;
/// Seconds after which a client gives up, and a scraper.
const PATIENCE: f64 = 60.0;
const SCRAPE_TIME_OUT: f64 = 0.9;
/// Seconds of a connection that is refused.
const REFUSED: f64 = 0.001;
/// Share of the processor under the limit.
const CPU_SHARE: f64 = 0.15;
/// Numbers of requests of the clients that ask again, and of the answers without end.
const BUSY: u64 = 1 << 32;
const ENDLESS: u64 = 1 << 33;

/// Plays `seconds` with these faults at `rate` requests a second; a row for each second, with the
/// columns of the recording. What did not come is not a number.
pub(crate) fn play(seconds: u64, rate: f64, faults: &[Fault], seed: u64) -> Table {
    let page = llama_cpp::page("127.0.0.1:8080");
    let mut columns = vec!["up".to_owned(), "scrape_duration_seconds".to_owned()];
    columns.extend(page.lines().map(|(family, line)| line.name(family)));
    let mut table = Table::new(columns);
    let mut server = LlamaServer::new(SERVER);
    let mut random = Random::new(seed, "side by side");
    let (mut next, mut id) = (random.exponential(1.0 / rate), 0);
    let mut under_way = 0;
    let mut busy = Vec::new();
    let mut outcomes: Vec<LlamaOutcome> = Vec::new();
    let mut values = Values::default();
    // Clients answer each other within a second, so that time goes in tenths.
    for tenth in 0..seconds * 10 {
        let (from, to) = (tenth as f64 / 10.0, (tenth + 1) as f64 / 10.0);
        let on = |name: &str| faults.iter().find(|fault| fault.name == name && fault.holds(from));
        let begins = |name: &str| on(name).is_some_and(|fault| fault.from > from - 0.1);
        let mut arrivals = Vec::new();
        while next < to {
            let middle = if on("long-prompt-surge").is_some() { LONG_PROMPT } else { TOKENS };
            let prompt = random.log_normal(middle, SPREAD).round().max(1.0) as u64;
            let answer = random.log_normal(TOKENS, SPREAD).round().max(1.0) as u64;
            if under_way < MOST_WAITING {
                (id, under_way) = (id + 1, under_way + 1);
                arrivals.push(LlamaRequest {
                    id,
                    time: next,
                    prompt,
                    answer,
                    deadline: next + PATIENCE,
                });
            }
            next += random.exponential(1.0 / rate);
        }
        if let Some(fault) = on("slots-exhausted").filter(|_| begins("slots-exhausted")) {
            let endless = |slot: usize| LlamaRequest {
                id: ENDLESS + slot as u64,
                time: from,
                prompt: 9,
                answer: 100_000,
                deadline: fault.to,
            };
            arrivals.extend((0..SERVER.slots).map(endless));
        }
        if begins("saturation") {
            busy = (0..BUSY_CLIENTS).collect();
        }
        if on("saturation").is_some() {
            for client in busy.drain(..) {
                let prompt = random.log_normal(TOKENS, SPREAD).round().max(1.0) as u64;
                let answer = random.log_normal(TOKENS, SPREAD).round().max(1.0) as u64;
                let (id, deadline) = (BUSY + client as u64, from + PATIENCE);
                arrivals.push(LlamaRequest { id, time: from, prompt, answer, deadline });
            }
        }
        if let Some(fault) = on("killed-and-restarted").filter(|_| begins("killed-and-restarted")) {
            server.kill(fault.to - fault.from - SERVER.start_seconds, &mut outcomes);
        }
        arrivals.sort_by(|one, other| one.time.total_cmp(&other.time));
        let conditions = LlamaConditions {
            cpu: if on("cpu-limit").is_some() { CPU_SHARE } else { 1.0 },
            is_stopped: on("stopped").is_some(),
        };
        server.advance(to, &arrivals, conditions, &mut outcomes);
        for outcome in outcomes.drain(..) {
            match outcome.request.id {
                id if id >= ENDLESS => {}
                id if id >= BUSY => busy.push((id - BUSY) as usize),
                _ => under_way -= 1,
            }
        }
        if tenth % 10 == 9 {
            let duration = server.scrape_seconds(conditions);
            let failed = if server.is_up() { SCRAPE_TIME_OUT } else { REFUSED };
            let mut row = vec![1.0, duration.unwrap_or(failed)];
            if duration.is_some_and(|duration| duration < SCRAPE_TIME_OUT) {
                values.clear();
                llama_cpp::write(&server, &mut values);
                row.extend(values.iter().map(|value| value.unwrap_or(f64::NAN)));
                server.scraped();
            } else {
                row[0] = 0.0;
                row.extend(vec![f64::NAN; page.series()]);
            }
            table.push(to, row);
        }
    }
    table
}
