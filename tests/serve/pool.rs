//! The pool by itself: what is shared, what is refused, what is too late.

use std::sync::Arc;
use std::time::Instant;

use midflight::runtime::serve::pool::{Pool, Refused, Size, Ticket};
use midflight::runtime::serve::{Guard, Staged};

use super::server::Script;

fn pool(workers: usize) -> (Pool, Arc<Script>) {
    let script = Arc::new(Script::default());
    let size = Size { workers, queue: 1 };
    let process = Arc::clone(&script);
    let pool = Pool::start(process, Guard::default(), size).expect("threads");
    (pool, script)
}

fn object(key: &str) -> Staged {
    Staged {
        url: format!("s3://raw/{key}"),
        version: Some("e1".to_owned()),
        ..Staged::default()
    }
}

/// The answers, when they are there, as they are written.
fn answers(tickets: Vec<Ticket>) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let wait = |mut ticket: Ticket| format!("{:?}", runtime.block_on(ticket.wait()));
    tickets.into_iter().map(wait).collect()
}

#[test]
fn an_object_that_waits_or_is_in_process_is_not_processed_twice() {
    let (pool, script) = pool(1);
    let (going, waiting) = ([object("a-slow")], [object("b")]);
    let mut tickets = pool.ask(&going).expect("room");
    script.wait(1);
    tickets.extend(pool.ask(&waiting).expect("room"));
    assert_eq!(pool.load(), (1, 1));
    assert_eq!(pool.ask(&[object("c")]).map(drop), Err(Refused::Full));
    // What is being done already needs no room.
    tickets.extend(pool.ask(&going).expect("no room is needed"));
    tickets.extend(pool.ask(&waiting).expect("no room is needed"));
    script.open();
    assert_eq!(answers(tickets), ["Ended(Done { rows: 3 })"; 4]);
    assert_eq!(script.seen().len(), 2);
}

#[test]
fn what_comes_too_late_is_not_begun() {
    let (pool, script) = pool(1);
    let tickets = pool.ask_all(&[object("a"), object("b")], Some(Instant::now()));
    assert_eq!(answers(tickets.expect("taken")), ["Unfinished"; 2]);
    assert!(script.seen().is_empty());
}

#[test]
fn a_pool_that_stops_begins_nothing() {
    let (pool, script) = pool(1);
    let mut tickets = pool.ask(&[object("a-slow")]).expect("room");
    script.wait(1);
    tickets.extend(pool.ask(&[object("b")]).expect("room"));
    pool.stop();
    assert_eq!(pool.ask(&[object("c")]).map(drop), Err(Refused::Stopping));
    script.open();
    assert_eq!(answers(tickets), ["Ended(Done { rows: 3 })", "Unfinished"]);
    assert_eq!(script.seen().len(), 1);
}
