//! Strongroom: one binary in which a small firm keeps its clients' cases and documents.

mod app;
mod backup;
mod cmd;
mod config;
mod control;
mod demo;
mod export;
mod gate;
mod gate_header;
mod jobs;
mod web;

/// Pages are made of many small strings on several threads, which the C library's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // Whatever this process writes is for its own user alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // Neither a debugger of another program of this user nor a core file reads the keys out of its memory.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    cmd::main()
}
