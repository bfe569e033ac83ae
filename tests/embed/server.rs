//! An endpoint for embeddings on this machine, which answers as a test says and notes what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The first line and the headers, as they came.
    pub head: String,
    pub body: Value,
}

impl Asked {
    /// The texts of the request.
    pub fn texts(&self) -> Vec<String> {
        let texts = self.body["input"].as_array().expect("a list of texts");
        texts
            .iter()
            .map(|text| text.as_str().expect("a text").to_owned())
            .collect()
    }
}

/// A status, further headers, and a body.
pub type Answer = (u16, &'static str, Value);

/// An endpoint that lives as long as the test.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// An endpoint whose answers `answer` makes of the request and of how many came before it.
    pub fn start(answer: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let notes = Arc::clone(&asked);
        let answer = Arc::new(answer);
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

    /// What has been asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().expect("no panic"))
    }
}

/// Answers requests until the connection ends.
fn serve(
    mut stream: TcpStream,
    notes: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(usize, &Asked) -> Answer,
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
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let asked = Asked { head, body };
        let (status, headers, body) = {
            let mut notes = notes.lock().expect("no panic");
            notes.push(asked.clone());
            answer(notes.len() - 1, &asked)
        };
        let body = body.to_string();
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
        )?;
        stream.flush()?;
    }
}

/// The vector this endpoint gives a text: its length and the number of its vowels.
pub fn vector(text: &str) -> [f64; 2] {
    let vowels = text.chars().filter(|c| "aeiou".contains(*c)).count();
    [text.len() as f64 / 4.0, vowels as f64 / 2.0]
}

/// The answer with the vectors of all texts, the last first: their order is told by `index`.
pub fn vectors(asked: &Asked) -> Answer {
    let texts = asked.texts();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .rev()
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text)}))
        .collect();
    (
        200,
        "",
        json!({"object": "list", "data": data, "model": "m"}),
    )
}
