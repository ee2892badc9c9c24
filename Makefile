# Everything a person does here, one word each.

.PHONY: demo demo-files test check fmt clippy docs deny tidy golden bench-peers fuzz release

# A simulated fleet that falls ill every three minutes, watched by the real service, until it is interrupted.
demo: release
	target/dist/auscult demo

# Detection, diagnosis and plots on the public data that the repository ships.
demo-files: release
	./examples/demo.sh target/dist/auscult

# The binary as it is shipped: target/dist/auscult.
release:
	cargo build --profile dist --locked --package auscult

# What CI runs. `test` passes the tests; `check` holds the house together.
test:
	cargo test --workspace --locked

check: fmt clippy docs deny tidy

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets --locked -- --deny warnings

docs:
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --locked --document-private-items

deny:
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install --locked cargo-deny"; exit 1; }
	cargo deny --locked check licenses bans sources

tidy:
	cargo run --quiet --locked --package xtask -- tidy

# Golden values, made anew by the Python references (only when methods change).
golden:
	golden/make.sh

# Speed and memory against Python peers; writes bench/RESULTS.md.
bench-peers:
	bench/peers.sh

# Fuzzes every parser for a minute each; needs `cargo install cargo-fuzz`.
fuzz:
	fuzz/all.sh 60
