//! A server on this machine, which answers as a test says and notes every byte that it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The first line and the headers, as they came.
    pub head: String,
    /// The body, as it came, and as JSON if it is any.
    pub bytes: Vec<u8>,
    pub body: Value,
}

/// A status, further headers, and a body.
pub type Answer = (u16, &'static str, Value);

/// What goes back.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: &'static str,
    pub body: Vec<u8>,
    /// Waits so long before every byte.
    pub per_byte: Duration,
}

impl From<Answer> for Reply {
    fn from((status, headers, body): Answer) -> Self {
        Self {
            status,
            headers,
            body: body.to_string().into_bytes(),
            per_byte: Duration::ZERO,
        }
    }
}

/// A server that lives as long as the test.
pub struct Server {
    /// Its address with `/v1` behind it.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server whose answers `answer` makes of the request and of how many came before it since they were last read.
    pub fn start<R: Into<Reply>>(
        answer: impl Fn(usize, &Asked) -> R + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let notes = Arc::clone(&asked);
        let answer = Arc::new(move |number: usize, asked: &Asked| answer(number, asked).into());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (notes, answer) = (Arc::clone(&notes), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let _ = serve(stream, &notes, &*answer);
                });
            }
        });
        Self { url, asked }
    }

    /// Its address alone.
    pub fn root(&self) -> &str {
        self.url.trim_end_matches("/v1")
    }

    /// What has been asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().expect("no panic"))
    }
}

/// Answers requests until the connection ends.
fn serve(
    mut stream: TcpStream,
    notes: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(usize, &Asked) -> Reply,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().ok())?
        });
        let mut bytes = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut bytes)?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let asked = Asked { head, bytes, body };
        let reply = {
            let mut notes = notes.lock().expect("no panic");
            notes.push(asked.clone());
            answer(notes.len() - 1, &asked)
        };
        let (status, headers, length) = (reply.status, reply.headers, reply.body.len());
        write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
        )?;
        match reply.per_byte {
            Duration::ZERO => stream.write_all(&reply.body)?,
            wait => {
                for byte in &reply.body {
                    std::thread::sleep(wait);
                    stream.write_all(&[*byte])?;
                }
            }
        }
        stream.flush()?;
    }
}
