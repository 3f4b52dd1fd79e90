//! The CPU time of another process.

use std::fs;

/// What all threads of the process have spent so far, in nanoseconds (`/proc/<pid>/stat` counts in 10 ms). Threads that
/// have ended are not in it; those of a tokio runtime do not end.
pub(crate) fn cpu_nanos(process: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.map(|thread| thread_nanos(&thread.unwrap().path().join("schedstat"))).sum()
}

fn thread_nanos(schedstat: &std::path::Path) -> u64 {
    let text = fs::read_to_string(schedstat).expect("a kernel with CONFIG_SCHED_INFO");
    text.split_whitespace().next().unwrap().parse().unwrap()
}
