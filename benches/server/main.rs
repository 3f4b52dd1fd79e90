//! How much CPU a review costs, as a share of the least that it can cost.
//!
//! The limit is the same axum and rustls code with a judge that reads only the uid. Both servers run side by side, and
//! slices of load go to one and the other in turn, so that whatever else the machine does falls on both. A figure
//! is *the limit's CPU per request ÷ ours*: 1.00 is the limit.
//!
//! `cargo bench --bench server -- [--slices N] [--case TEXT]`

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may end by panicking, and its result is what it prints"
)]

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../common/fixtures.rs"]
mod fixtures;

mod allow;
mod cpu;
mod load;

use std::env;
use std::process::Command;

use common::{Http, Vigla};
use cpu::cpu_nanos;
use load::{LANES, Load};

/// One line of the table.
struct Case {
    name: &'static str,
    body: fn() -> String,
    server: Measured,
    allowed: bool,
}

/// Who is held against the limit.
enum Measured {
    /// `vigla serve --dev` with these flags as well.
    Vigla(&'static [&'static str]),
    /// The limit itself: how far this line is from 1.00 is how little this machine can tell.
    Limit,
}

/// Every case there is.
const CASES: &[Case] = &[
    Case { name: "the limit itself, Pod", body: fixtures::pod, server: Measured::Limit, allowed: true },
    Case { name: "no policy matches", body: fixtures::unread, server: Measured::Vigla(&[]), allowed: true },
    Case { name: "judged at its owner, Pod", body: fixtures::pod, server: Measured::Vigla(&[]), allowed: true },
    Case { name: "allowed, Pod of its own", body: fixtures::bare_pod, server: Measured::Vigla(&[]), allowed: true },
    Case {
        name: "restricted, Pod of its own",
        body: fixtures::bare_pod,
        server: Measured::Vigla(&["--profile", "restricted"]),
        allowed: true,
    },
    Case {
        name: "allowed, EnvoyFilter",
        body: fixtures::envoy_filter_in_place,
        server: Measured::Vigla(&[]),
        allowed: true,
    },
    Case { name: "denied, EnvoyFilter", body: fixtures::envoy_filter, server: Measured::Vigla(&[]), allowed: false },
];

/// Requests of one slice: some 50 ms of CPU at either server.
const SLICE: usize = 48 * 50;
const WARM_UP_SLICES: usize = 4;

struct Options {
    slices: usize,
    case: String,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if arguments.iter().any(|argument| argument == allow::FLAG) {
        return runtime.block_on(allow::serve());
    }
    // `cargo test --all-targets` runs this file too, as if it were a test.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return println!("nothing measured: this wants `cargo bench --bench server`");
    }
    let slices = value("--slices").or_else(|| env::var("VIGLA_BENCH_SLICES").ok());
    let options = Options {
        slices: slices.map_or(60, |text| text.parse().expect("--slices wants a number")),
        case: value("--case").unwrap_or_default(),
    };
    runtime.block_on(measure_all(&options));
}

async fn measure_all(options: &Options) {
    println!("limit's CPU per request / ours; {} slices of {SLICE} requests each, interleaved\n", options.slices);
    println!(
        "{:<10} {:<28} {:>7} {:>7} {:>6} {:>6} {:>9} {:>9}",
        "HTTP", "case", "bytes", "ratio", "min", "max", "limit µs", "ours µs"
    );
    for http in [Http::One, Http::Two] {
        for case in CASES.iter().filter(|case| case.name.contains(&options.case)) {
            measure(options, http, case).await;
        }
    }
}

fn start_limit() -> Vigla {
    let mut limit = Command::new(env::current_exe().unwrap());
    limit.arg(allow::FLAG);
    Vigla::spawn(limit)
}

async fn measure(options: &Options, http: Http, case: &Case) {
    let limit = start_limit();
    let ours = match case.server {
        Measured::Vigla(flags) => Vigla::start(flags),
        Measured::Limit => start_limit(),
    };
    let body = (case.body)();
    let mut sides = [Side::open(&limit, http, &body).await, Side::open(&ours, http, &body).await];
    let answer = sides[1].load.answer().await;
    if answer.contains(r#""allowed":true"#) != case.allowed {
        println!("not what was to be measured: {answer}");
    }
    for _ in 0..WARM_UP_SLICES {
        for side in &mut sides {
            side.slice().await;
        }
    }
    let mut ratios = Vec::new();
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..options.slices {
        // Who comes first changes, for the first one finds the other's leavings in the caches.
        let mut pair = [0.0; 2];
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            pair[side] = sides[side].slice().await;
        }
        ratios.push(pair[0] / pair[1]);
        costs[0].push(pair[0]);
        costs[1].push(pair[1]);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "{:<10} {:<28} {:>7} {:>7.3} {:>6.2} {:>6.2} {:>9.2} {:>9.2}",
        match http {
            Http::One => "1.1",
            Http::Two => "2",
        },
        case.name,
        body.len(),
        median(&mut ratios),
        ratios[0],
        ratios[ratios.len() - 1],
        median(&mut costs[0]),
        median(&mut costs[1]),
    );
}

/// One of the two servers, with load ready to be put on it.
struct Side {
    process: u32,
    load: Load,
}

impl Side {
    async fn open(server: &Vigla, http: Http, body: &str) -> Self {
        Self { process: server.id(), load: Load::open(&server.door, http, body).await }
    }

    /// Puts one slice of load on it; the CPU it took, in µs per request.
    async fn slice(&mut self) -> f64 {
        let before = cpu_nanos(self.process);
        self.load.run(SLICE / LANES).await;
        let nanos = cpu_nanos(self.process) - before;
        nanos as f64 / 1000.0 / SLICE as f64
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
