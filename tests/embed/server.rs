//! What the endpoint for embeddings answers.

use serde_json::{Value, json};

pub use crate::support::server::{Answer, Asked, Server};

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
