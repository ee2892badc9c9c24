//! Bounds what the allocator of glibc keeps of what was freed.

/// Goes on as the same process, under an allocator with as many arenas as there are processors.
///
/// glibc gives threads up to eight arenas a processor, and each keeps what it once had: where heavy work goes
/// from thread to thread, a service with a heap of 30 MB comes to hold 200. How many there are is read once, when
/// a process begins. Who sets `MALLOC_ARENA_MAX` gets that; where it cannot be done, nothing changes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn bound() {
    use std::os::unix::process::CommandExt;

    const NAME: &str = "MALLOC_ARENA_MAX";
    let Ok(program) = std::env::current_exe() else { return };
    if std::env::var_os(NAME).is_some() {
        return;
    }
    let arenas = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // It comes back only if it failed.
    let _ = command.args(arguments).env(NAME, arenas.to_string()).exec();
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bound() {}
