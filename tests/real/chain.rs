//! Processes joined by pipes, and a copy of what went through each.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// Starts the commands, feeds each with what the one before it writes, as it comes, and gives what each
/// wrote.
///
/// # Panics
/// When one does not succeed.
pub fn run(commands: &mut [Command]) -> Vec<String> {
    let mut children: Vec<_> = commands
        .iter_mut()
        .enumerate()
        .map(|(i, command)| {
            command.stdin(if i == 0 {
                Stdio::null()
            } else {
                Stdio::piped()
            });
            command
                .stdout(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}"))
        })
        .collect();
    let outputs: Vec<_> = children
        .iter_mut()
        .map(|child| child.stdout.take().expect("a pipe"))
        .collect();
    let mut inputs: Vec<_> = children
        .iter_mut()
        .skip(1)
        .map(|child| child.stdin.take())
        .collect();
    inputs.push(None);
    let written = std::thread::scope(|scope| {
        let copies: Vec<_> = outputs
            .into_iter()
            .zip(inputs)
            .map(|(from, to)| scope.spawn(move || copy(from, to)))
            .collect();
        copies
            .into_iter()
            .map(|copy| copy.join().expect("a copy"))
            .collect()
    });
    for (child, command) in children.iter_mut().zip(commands) {
        let status = child.wait().expect("an end");
        assert!(status.success(), "{command:?} ended with {status}");
    }
    written
}

/// Passes on what arrives, without waiting for more, until one side ends.
fn copy(mut from: impl Read, mut to: Option<impl Write>) -> String {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let count = from.read(&mut buffer).expect("a pipe");
        let arrived = &buffer[..count];
        all.extend_from_slice(arrived);
        if to.as_mut().is_some_and(|to| to.write_all(arrived).is_err()) {
            to = None;
        }
        if count == 0 {
            return String::from_utf8(all).expect("messages are UTF-8");
        }
    }
}
