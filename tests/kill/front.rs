//! Stands before a server of objects and lets requests fail.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Whether it asks that no object be there.
    pub conditional: bool,
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Act {
    Pass,
    /// Answered with this status and code, not passed on.
    Refuse(u16, &'static str),
    /// The connection ends, nothing is passed on.
    Reset,
    /// Passed on after a while.
    Slow(Duration),
    /// Passed on; the connection ends without answer.
    Lose,
    /// Passed on; the answer is this one.
    Replace(u16, &'static str),
    /// Passed on; half of the answer's body arrives.
    Cut,
    /// Passed on; the body that is found in the answer is this, in full.
    Rewrite(fn(&[u8]) -> Vec<u8>),
}

type Rule = Box<dyn Fn(&Request, bool) -> Act + Send>;

/// The rule decides twice: before a request is passed on (`false`), and, where that gave `Pass`, before its answer is.
#[derive(Clone)]
pub struct Front {
    pub address: String,
    rule: Arc<Mutex<Rule>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Front {
    /// Stands before a server, and lets everything pass.
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let pass: Rule = Box::new(|_, _| Act::Pass);
        let front = Self {
            address: listener.local_addr().expect("an address").to_string(),
            rule: Arc::new(Mutex::new(pass)),
            requests: Arc::default(),
        };
        let (served, server) = (front.clone(), server.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (served, server) = (served.clone(), server.clone());
                std::thread::spawn(move || drop(served.serve(stream, &server)));
            }
        });
        front
    }

    /// Sets the rule, and forgets the requests so far.
    pub fn rule(&self, rule: impl Fn(&Request, bool) -> Act + Send + 'static) {
        *self.rule.lock().expect("a rule") = Box::new(rule);
        self.requests.lock().expect("requests").clear();
    }

    /// The requests since the rule was set.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("requests").clone()
    }

    fn decide(&self, request: &Request, answered: bool) -> Act {
        (self.rule.lock().expect("a rule"))(request, answered)
    }

    fn serve(&self, mut client: TcpStream, server: &str) -> io::Result<()> {
        let Some((head, mut body)) = read_head(&mut client)? else {
            return Ok(());
        };
        let request = request(&head);
        self.requests
            .lock()
            .expect("requests")
            .push(request.clone());
        let act = self.decide(&request, false);
        if matches!(act, Act::Reset) {
            return client.shutdown(Shutdown::Both);
        }
        let mut rest = vec![0; length(&head).saturating_sub(body.len())];
        client.read_exact(&mut rest)?;
        body.extend(rest);
        match act {
            Act::Refuse(status, code) => return refuse(&mut client, status, code),
            Act::Slow(wait) => std::thread::sleep(wait),
            _ => {}
        }
        let answer = pass(server, &head, &body)?;
        let act = match act {
            Act::Pass | Act::Slow(_) => self.decide(&request, true),
            act => act,
        };
        answer_with(&mut client, &answer, &act)
    }
}

fn answer_with(client: &mut TcpStream, answer: &[u8], act: &Act) -> io::Result<()> {
    let at = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(answer.len(), |at| at + 4);
    match act {
        Act::Lose | Act::Reset => client.shutdown(Shutdown::Both),
        Act::Refuse(status, code) | Act::Replace(status, code) => refuse(client, *status, code),
        Act::Cut => {
            client.write_all(&answer[..at + (answer.len() - at) / 2])?;
            client.shutdown(Shutdown::Both)
        }
        Act::Rewrite(with) => {
            let body = with(&answer[at..]);
            write!(
                client,
                "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            )?;
            client.write_all(&body)
        }
        Act::Pass | Act::Slow(_) => client.write_all(answer),
    }
}

fn refuse(client: &mut TcpStream, status: u16, code: &str) -> io::Result<()> {
    let body = format!(
        "<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>the key of someone</Message></Error>"
    );
    write!(
        client,
        "HTTP/1.1 {status} Refused\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read_head(client: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut read = Vec::new();
    let mut some = [0; 16 << 10];
    loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = read.split_off(at + 4);
            return Ok(Some((String::from_utf8_lossy(&read).into_owned(), body)));
        }
        match client.read(&mut some)? {
            0 => return Ok(None),
            count => read.extend_from_slice(&some[..count]),
        }
    }
}

fn request(head: &str) -> Request {
    let mut words = head.split(' ');
    Request {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        conditional: head.to_ascii_lowercase().contains("\r\nif-none-match:"),
    }
}

fn length(head: &str) -> usize {
    let lower = head.to_ascii_lowercase();
    let line = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    line.and_then(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

/// The server's whole answer to a request.
fn pass(server: &str, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    let lines = head
        .trim_end()
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut text: String = lines.map(|line| format!("{line}\r\n")).collect();
    text.push_str("connection: close\r\n\r\n");
    stream.write_all(text.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
