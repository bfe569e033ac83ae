//! Faults, each with what is to be said of it.

use std::time::Duration;

use crate::kill::front::{Act, Request};

/// Tries of one request: few, so that tests are quick.
pub const RETRIES: usize = 2;

/// A fault and how a run ends that meets it.
pub struct Case {
    pub name: &'static str,
    pub rule: fn(&Request, bool, usize) -> Act,
    /// What the error says, all of it; empty where the run succeeds all the same.
    pub told: &'static [&'static str],
}

fn is_part(request: &Request) -> bool {
    request.path.contains(".parquet")
}

fn is_log(request: &Request) -> bool {
    request.path.contains("/_midflight/log/")
}

const BUSY: Act = Act::Refuse(503, "SlowDown");

pub const CASES: &[Case] = &[
    Case {
        name: "the store is busy from the start",
        rule: |_, _, _| BUSY,
        told: &[
            "s3://stages/",
            "cannot be listed",
            "503",
            "SlowDown",
            "run it again when the store answers",
        ],
    },
    Case {
        name: "the store is busy now and then",
        rule: |_, answered, number| {
            if !answered && number % 3 == 0 {
                BUSY
            } else {
                Act::Pass
            }
        },
        told: &[],
    },
    Case {
        name: "the store is busy where parts are written",
        rule: |request, _, _| {
            if request.method == "PUT" && is_part(request) {
                BUSY
            } else {
                Act::Pass
            }
        },
        told: &[
            "s3://stages/",
            ".parquet cannot be written",
            "503",
            "SlowDown",
        ],
    },
    Case {
        name: "connections end now and then",
        rule: |_, answered, number| {
            if !answered && number % 4 == 0 {
                Act::Reset
            } else {
                Act::Pass
            }
        },
        told: &[],
    },
    Case {
        name: "connections end where entries of the log are written",
        rule: |request, _, number| {
            if request.method == "PUT" && is_log(request) && number > 12 {
                Act::Reset
            } else {
                Act::Pass
            }
        },
        told: &[
            "/_midflight/log/",
            "cannot be written",
            "run it again when the store answers",
        ],
    },
    Case {
        name: "every answer to a creation is lost",
        rule: |request, answered, _| {
            if answered && request.conditional {
                Act::Lose
            } else {
                Act::Pass
            }
        },
        told: &[],
    },
    Case {
        name: "what was created is said to be another's",
        rule: |request, answered, _| {
            if answered && request.conditional {
                Act::Replace(412, "PreconditionFailed")
            } else {
                Act::Pass
            }
        },
        told: &[],
    },
    Case {
        name: "creations conflict with others that give up",
        rule: |request, answered, number| {
            if !answered && request.conditional && number % 3 == 0 {
                Act::Refuse(409, "ConditionalRequestConflict")
            } else {
                Act::Pass
            }
        },
        told: &[],
    },
    Case {
        name: "an entry of the log is written after its answer was given up",
        rule: |request, answered, number| {
            if !answered && request.method == "PUT" && is_log(request) && number % 5 == 0 {
                Act::Slow(Duration::from_millis(1_500))
            } else {
                Act::Pass
            }
        },
        told: &[],
    },
    Case {
        name: "no answer comes in time",
        rule: |request, answered, _| {
            if !answered && is_part(request) {
                Act::Slow(Duration::from_millis(1_500))
            } else {
                Act::Pass
            }
        },
        told: &[".parquet cannot be", "run it again when the store answers"],
    },
    Case {
        name: "the credentials expire",
        rule: |_, _, number| {
            if number > 15 {
                Act::Refuse(403, "ExpiredToken")
            } else {
                Act::Pass
            }
        },
        told: &[
            "s3://stages/",
            "the credentials do not allow it (ExpiredToken)",
            "look at the credentials",
        ],
    },
    Case {
        name: "the credentials expire, as another status says it",
        rule: |_, _, number| {
            if number > 15 {
                Act::Refuse(400, "ExpiredToken")
            } else {
                Act::Pass
            }
        },
        told: &[
            "s3://stages/",
            "the credentials do not allow it (ExpiredToken)",
            "look at the credentials",
        ],
    },
    Case {
        name: "readers cannot be told",
        rule: |request, _, number| {
            if request.path.contains("/streams/") && request.method == "PUT" && number > 20 {
                BUSY
            } else {
                Act::Pass
            }
        },
        told: &["/_midflight/streams/", "cannot be written", "503"],
    },
    Case {
        name: "nothing can be deleted",
        rule: |request, _, _| {
            if request.path.contains("?delete") {
                BUSY
            } else {
                Act::Pass
            }
        },
        told: &["cannot be deleted", "503"],
    },
    Case {
        name: "lists end in the middle",
        rule: |request, answered, _| {
            if answered && request.path.contains("list-type") {
                Act::Rewrite(|body| body[..body.len() / 2].to_vec())
            } else {
                Act::Pass
            }
        },
        told: &["cannot be listed"],
    },
    Case {
        name: "answers end in the middle of their body",
        rule: |request, answered, _| {
            if answered && request.method == "GET" {
                Act::Cut
            } else {
                Act::Pass
            }
        },
        told: &["s3://stages/", "cannot be"],
    },
];
