//! What a person sees: the real binary, data in, text and exit code out.

mod backtest;
mod benchmark;
mod benchmark_diagnosis;
mod call;
mod check;
mod counter;
mod detect;
mod diagnose;
mod explain;
mod fault_tree;
mod fleet;
mod joint;
mod learn;
mod life;
mod plan;
mod replay;
mod select;
mod serve;
mod serve_reload;
mod serve_storage;
mod service;
mod simulate;
mod soak;
mod stub;
mod troubleshoot;
mod troubleshoot_network;
