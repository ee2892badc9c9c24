//! One request: what it asks for, drawn from its own number.

use crate::conditions::ServiceConditions;
use crate::random::Random;

use super::{Traced, Workload};

/// Kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A turn of a conversation.
    Chat,
    /// A question with documents in its prompt.
    Retrieval,
    /// A question whose answer must follow a grammar.
    Structured,
    /// A question with pictures or sound.
    Media,
    /// A question to an adapter.
    Adapted,
}

impl Class {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 5] =
        [Self::Chat, Self::Retrieval, Self::Structured, Self::Media, Self::Adapted];

    /// Its name in labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Retrieval => "retrieval",
            Self::Structured => "structured",
            Self::Media => "media",
            Self::Adapted => "adapted",
        }
    }
}

/// One request of a client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// Number of the question; its retries carry it too.
    pub id: u64,
    /// How often it was tried before.
    pub attempt: u32,
    /// Number of the session.
    pub session: u64,
    /// Turn of the session, from 0.
    pub turn: u32,
    /// Kind.
    pub class: Class,
    /// When the client sent it, seconds since the run's start.
    pub sent: f64,
    /// When the client gives up.
    pub deadline: f64,
    /// Tokens of the prompt.
    pub prompt: u32,
    /// Which system prompt it begins with.
    pub group: u32,
    /// Tokens at its beginning that all requests of the group share.
    pub shared: u32,
    /// Tokens at its beginning that the session has sent or received before; at least `shared`.
    pub history: u32,
    /// Whether it begins with something that no other request begins with.
    pub unique: bool,
    /// Tokens of the answer.
    pub output: u32,
    /// Most tokens of the answer.
    pub limit: u32,
    /// Whether the answer runs on to the limit because its end is missed.
    pub runs_on: bool,
    /// Pictures.
    pub media: u32,
    /// Adapter asked for; 0 is none.
    pub adapter: u32,
    /// Processor seconds to compile its grammar; 0 when it has none or it is known.
    pub compile: f64,
    /// Whether the router sends it to another variant of the model than was asked for.
    pub misrouted: bool,
    /// Where it goes if the router forgets its session, in [0, 1); above 1 when the router does not.
    pub scatter: f64,
}

/// Tokens that one picture becomes.
const PICTURE_TOKENS: u32 = 1100;
/// Share of harmless questions that a model which refuses everything it can refuses.
pub(crate) const REFUSED: f64 = 0.7;
/// Tokens of a refusal.
const REFUSAL_TOKENS: f64 = 35.0;
/// Median of a long prompt, tokens.
const LONG_PROMPT: f64 = 20_000.0;
// Azure LLM inference trace 2023, conversation service (CC BY 4.0), 19,366 requests: geometric
// means and deviations of the logarithm of prompt and answer.
const CHAT_PROMPT: (f64, f64) = (760.0, 0.985);
const CHAT_OUTPUT: (f64, f64) = (151.0, 0.859);
// Its coding service, 8,819 requests: deviation of the logarithm of the prompt.
const RETRIEVAL_PROMPT: (f64, f64) = (3500.0, 0.7);
const NEXT_TURN: (f64, f64) = (90.0, 0.9);

impl Request {
    /// Request `id`, turn `turn` of `session`, whose context so far is `history` tokens.
    pub(super) fn draw(
        workload: &Workload,
        conditions: &ServiceConditions,
        seed: u64,
        id: u64,
        (session, turn, history): (u64, u32, u32),
        (sent, longest): (f64, u32),
    ) -> Self {
        let mut own = Random::member(seed, "request", id);
        let mut of_session = Random::member(seed, "session", session);
        // Drawn always and in one order, so that a dial that is turned moves no other draw.
        let group = of_session.below(workload.groups as usize) as u32;
        let adapter = 1.0
            + of_session.uniform() * of_session.uniform() * {
                f64::from(workload.adapters) * conditions.adapters
            };
        let misrouted = of_session.chance(conditions.misrouted);
        let kind = own.uniform();
        let (grammar, media) = (own.uniform(), own.uniform());
        let (prompt, output, long) = (own.normal(), own.normal(), own.normal());
        let replaced = own.chance(conditions.long_prompts);
        let missed = own.uniform();
        let unique = own.chance(conditions.unique_beginnings);
        let fresh = own.chance(conditions.fresh_grammars);
        let compile = own.log_normal(0.8, 0.9);
        let scattered = own.chance(conditions.scattered_sessions);
        let scatter = own.uniform();
        let patience = own.between(0.9, 1.1);
        let refused = own.chance(REFUSED * conditions.over_refusal.clamp(0.0, 1.0));
        // A template without its end token lets every third answer run on.
        let runs_on = missed < conditions.missed_ends + 0.3 * conditions.bad_template;

        let class = if media < workload.media + conditions.media {
            Class::Media
        } else if grammar < workload.grammars + conditions.grammars {
            Class::Structured
        } else if kind < workload.retrieval {
            Class::Retrieval
        } else if kind < workload.retrieval + workload.adapted {
            Class::Adapted
        } else {
            Class::Chat
        };
        let shared = system_prompt(seed, group);
        let log_normal = |(median, spread): (f64, f64), draw| median * libm::exp(spread * draw);
        let pictures = u32::from(class == Class::Media);
        let mut tokens = match class {
            _ if replaced => log_normal((LONG_PROMPT, 0.35), long),
            Class::Retrieval => log_normal(RETRIEVAL_PROMPT, prompt),
            _ if turn > 0 => log_normal(NEXT_TURN, prompt),
            _ => (log_normal(CHAT_PROMPT, prompt) - f64::from(shared)).max(20.0),
        };
        tokens += f64::from(pictures * PICTURE_TOKENS);
        let history = history.max(shared);
        let limit = workload.limit;
        let room = longest.saturating_sub(limit).saturating_sub(history).max(16);
        let prompt = history + (tokens.max(8.0) as u32).min(room);
        let wanted = log_normal(CHAT_OUTPUT, output) * conditions.output_length;
        let wanted = if refused { wanted.min(REFUSAL_TOKENS) } else { wanted };
        let output = if runs_on { limit } else { (wanted.max(1.0) as u32).clamp(1, limit) };
        Self {
            id,
            attempt: 0,
            session,
            turn,
            class,
            sent,
            deadline: sent + workload.timeout.min(conditions.client_timeout) * patience,
            prompt,
            group,
            shared,
            history,
            unique,
            output,
            limit,
            runs_on,
            media: pictures,
            adapter: if class == Class::Adapted { adapter as u32 } else { 0 },
            compile: if class == Class::Structured && fresh { compile } else { 0.0 },
            misrouted,
            scatter: if scattered { scatter } else { 2.0 },
        }
    }

    /// The same with the lengths of a row of a trace.
    pub(super) fn traced(
        mut self,
        row: Traced,
        conditions: &ServiceConditions,
        longest: u32,
    ) -> Self {
        self.prompt = row.prompt.clamp(1, longest.saturating_sub(self.limit).max(1));
        self.shared = self.shared.min(self.prompt);
        self.history = self.shared;
        if !self.runs_on {
            let wanted = f64::from(row.output) * conditions.output_length;
            self.output = (wanted as u32).clamp(1, self.limit);
        }
        self
    }

    /// Whether its answer must follow a grammar.
    pub fn grammar(&self) -> bool {
        self.class == Class::Structured
    }

    /// The same question once more.
    pub fn again(mut self, sent: f64, patience: f64) -> Self {
        self.attempt += 1;
        self.sent = sent;
        self.deadline = sent + patience;
        self
    }
}

/// Tokens of system prompt `group`.
fn system_prompt(seed: u64, group: u32) -> u32 {
    let mut random = Random::member(seed, "system prompt", u64::from(group));
    (random.log_normal(500.0, 0.5) as u32).clamp(64, 3000)
}
