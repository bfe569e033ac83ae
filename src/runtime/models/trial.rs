//! Runs a model once, to know that it opens, answers in the form its manifest promises, and keeps the texts of
//! a batch apart on this machine if it says so.

use super::Models;
use crate::error::{Error, ErrorKind, Result};
use crate::model::encode::Encoder;
use crate::model::manifest::{Manifest, Pooling, Task};
use crate::model::network::Network;
use crate::model::{Engine, Volume};

/// What a model reads on trial.
const SENTENCE: &str = "text: Ada wrote from 12 Long Lane, Norwich, on a wet Monday in May.";

/// Opens the model and runs it.
///
/// # Errors
/// `Model` when it cannot be opened or run, or answers otherwise than its manifest says.
pub(super) fn run(models: &Models, manifest: &Manifest, engine: &'static Engine) -> Result<()> {
    let Volume {
        model, tokenizer, ..
    } = models.files(manifest, engine)?;
    let encoder = Encoder::read(&manifest.name, &tokenizer)?;
    let network = Network::open(engine, &manifest.name, model)?;
    let unfit = |what: String| {
        let message = format!("model `{}` {what}", manifest.name);
        Error::new(ErrorKind::Model, message)
            .hint("its files and its manifest do not belong together")
    };
    let tokens = encoder.tokens(SENTENCE)?.ids;
    let fit = manifest.max_tokens.saturating_sub(encoder.around());
    let tokens = &tokens[..tokens.len().min(fit)];
    let turned: Vec<i64> = tokens.iter().rev().copied().collect();
    let mut ids = Vec::new();
    encoder.frame([tokens, &[]], &mut ids);
    let length = ids.len();
    let alone = answer(&network, &ids, 1, length)?;
    let expected = expected(manifest, length);
    if alone.shape != expected {
        return Err(unfit(format!(
            "answers in the form {:?} instead of {expected:?}",
            alone.shape
        )));
    }
    encoder.frame([&turned, &[]], &mut ids);
    let together = answer(&network, &ids, 2, length)?;
    if manifest.independent && together.values.get(..alone.values.len()) != Some(&alone.values) {
        return Err(unfit(
            "mixes the texts of a batch on this machine, though its manifest says `independent: true`".to_owned(),
        ));
    }
    Ok(())
}

struct Answered {
    shape: Vec<i64>,
    values: Vec<f32>,
}

fn answer(network: &Network, ids: &[i64], rows: usize, length: usize) -> Result<Answered> {
    let answered = network.run(ids, rows, length, |answer| {
        Ok(Answered {
            shape: answer.shape.to_vec(),
            values: answer.values.to_vec(),
        })
    });
    // Nothing was being judged, so it is the model that is at fault.
    answered.map_err(|error| Error::new(ErrorKind::Model, error.to_string()))
}

/// The form of the answer for one text of this many tokens.
fn expected(manifest: &Manifest, length: usize) -> Vec<i64> {
    let form = match (manifest.task, manifest.pooling) {
        (Task::Tag, _) => vec![1, length, manifest.labels.len()],
        (Task::Embed, Pooling::None) => vec![1, manifest.dimensions],
        (Task::Embed, Pooling::Mean | Pooling::First) => vec![1, length, manifest.dimensions],
    };
    let sizes = form
        .into_iter()
        .map(|size| i64::try_from(size).unwrap_or(-1));
    sizes.collect()
}
