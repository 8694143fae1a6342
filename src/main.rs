//! Strongroom: one binary in which a small firm keeps its clients' cases and documents.

mod app;
mod cmd;
mod config;
mod demo;
mod gate;
mod gate_header;
mod web;

fn main() -> std::process::ExitCode {
    // Whatever this process writes is for its own user alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    cmd::main()
}
