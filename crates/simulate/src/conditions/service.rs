//! What may be wrong with a served model: its traffic, its replicas, its answers.

use super::conditions;

conditions! {
    /// Traffic and answers of one served model.
    pub struct ServiceConditions of "service" {
        /// Requests a second, as a multiple of what the hour brings.
        arrivals = 1.0,
        /// Share of requests whose prompts are replaced by long ones (20,000 tokens in the median).
        long_prompts = 0.0,
        /// Length of answers, as a multiple of the usual.
        output_length = 1.0,
        /// Share of answers that miss their end and run to the limit, repeating themselves.
        missed_ends = 0.0,
        /// Seconds after which clients give up at the latest, whatever they usually wait.
        client_timeout = 600.0,
        /// Times that a client asks again at the least, whatever it usually does.
        client_retries = 0.0,
        /// Share of prompts that begin with something of their own (a time, an id), so that no prefix is shared.
        unique_beginnings = 0.0,
        /// How far the router forgets which replica a session was on: 0 keeps, 1 sends it anywhere.
        scattered_sessions = 0.0,
        /// Share of requests with pictures or sound.
        media = 0.0,
        /// Share of requests whose answer must follow a grammar.
        grammars = 0.0,
        /// Share of those whose grammar was never seen before and must be compiled.
        fresh_grammars = 0.02,
        /// Adapters that requests ask for, as a multiple of the usual.
        adapters = 1.0,
        /// Bytes of picture memory that one such request takes beside weights and cache.
        media_bytes = 2.0e8,
        /// Share of sessions that the router sends to another variant of the model than was asked for.
        misrouted = 0.0,
        /// How far the weights or kernels of the last rollout are wrong: 0 right, 1 gibberish.
        bad_weights = 0.0,
        /// How far the chat template is wrong: role tokens in the text, broken tool calls, missed ends.
        bad_template = 0.0,
        /// How far harmless questions are refused.
        over_refusal = 0.0,
        /// Distance by which what is asked has moved from what was asked before, in deviations.
        input_drift = 0.0,
        /// Share of right answers that the world has made wrong.
        concept_drift = 0.0,
    }
}

conditions! {
    /// One replica of a served model.
    pub struct ReplicaConditions of "replica" {
        /// Part of the traffic that the router sends here, as a multiple of an equal part.
        routing_weight = 1.0,
        /// Blocks of the KV cache, as a share of the usual; at once, as after a start with another setting.
        kv_blocks = 1.0,
        /// How full the KV cache would be of what requests held of it before this began, however large it
        /// is: 0 leaves it as it is, from 1 on it holds less than is needed.
        kv_need = 0.0,
        /// How full the KV cache would have been at the fullest before this began, however large it is: 0
        /// leaves it as it is, 1 is just enough for such a moment.
        kv_peak = 0.0,
        /// Share of its longest answer that is reserved when a request is admitted.
        reserved_output = 0.0,
        /// Requests that may run at once, as a multiple of the configured.
        max_running = 1.0,
        /// Tokens of one step, as a multiple of the configured.
        step_tokens = 1.0,
        /// Places for adapters, as a share of the configured.
        adapter_slots = 1.0,
        /// Share of each prompt that could be found in the prefix cache at all.
        cacheable = 1.0,
        /// Share of KV hand-offs from prefill to decode that fail.
        failed_transfers = 0.0,
        /// Speed of KV hand-offs, as a share of the usual.
        transfer_speed = 1.0,
        /// Share of KV hand-offs, of those that it sends and of those that it fetches, that carry stale blocks
        /// without anyone noticing.
        stale_transfers = 0.0,
        /// Share of what runs that is thrown out once, at the beginning, as in a moment in which the cache was
        /// full.
        retracted = 0.0,
        /// From 0.5 on, the scheduler never recovers from the next preemption until it is started anew.
        collapses = 0.0,
        /// From 0.5 on, the engine makes no steps while its server answers.
        hung = 0.0,
        /// From 0.5 on, all its processes stand still (SIGSTOP): connections are taken and nothing answers.
        stopped = 0.0,
        /// From 0.5 on, the answer to health checks waits in the queue and for the step that is running.
        blocked_health = 0.0,
        /// Crashes an hour.
        crashes_per_hour = 0.0,
        /// Bytes of host memory that each finished request leaves behind.
        leak_bytes = 0.0,
        /// Cores that tokenise and answer, as a share of the configured.
        frontend_cores = 1.0,
        /// Host time between two steps, as a multiple of the usual (graphs not captured, cores shared).
        step_overhead = 1.0,
        /// Drafted tokens accepted, as a share of the usual.
        acceptance = 1.0,
        /// Time to start, as a multiple of the usual (compiling, capturing graphs).
        start_time = 1.0,
        /// From 0.5 on, it is started anew once (a deploy, a scale-up).
        restarted = 0.0,
        /// How unevenly tokens fall to experts: 0 even, 1 all to one rank.
        expert_skew = 0.0,
        /// Share of requests whose logits are not numbers.
        nan_logits = 0.0,
        /// Share of answers with wrong tokens from a numerical error of this build.
        wrong_tokens = 0.0,
        /// From 0.5 on, the exporter counts prompt tokens twice (two API servers that share a file).
        double_counting = 0.0,
        /// From 0.5 on, the exporter shows what it showed when this began.
        frozen_exporter = 0.0,
        /// Share of scrapes that the exporter answers with status 500.
        failing_exporter = 0.0,
        /// Speed at which weights are read at the start, as a share of the usual.
        weight_speed = 1.0,
    }
}

conditions! {
    /// One source of inputs: a microphone line, a camera, a sensor, a tenant.
    pub struct SourceConditions of "source" {
        /// How far sensor or codec are degraded: 0 clear, 1 nothing to be heard or seen.
        degraded = 0.0,
    }
}
