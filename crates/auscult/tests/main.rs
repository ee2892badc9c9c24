//! What a person sees: the real binary, data in, text out.

mod call;
mod learn;
mod troubleshoot;
