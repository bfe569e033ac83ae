//! ONNX Runtime, loaded once per process, and networks: a model with as many sessions as workers use at
//! once, one thread each.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::TensorRef;

use crate::error::{Error, ErrorKind, Result};

/// ONNX Runtime. There is one per process, from the library that was asked for first.
#[derive(Debug)]
pub struct Engine(Environment);

impl Engine {
    /// Loads ONNX Runtime from its library.
    ///
    /// # Errors
    /// `Model` when the library cannot be loaded, or is older than the interface asked for.
    pub fn load(library: &Path) -> Result<&'static Self> {
        static LOADED: OnceLock<Result<Engine, String>> = OnceLock::new();
        let loaded = LOADED.get_or_init(|| {
            let builder = ort::init_from(library).map_err(|error| error.to_string())?;
            let environment = builder
                .with_name("midflight")
                .with_telemetry(false)
                .build()
                .map_err(|error| error.to_string())?;
            environment.set_log_level(LogLevel::Fatal);
            Ok(Engine(environment))
        });
        loaded.as_ref().map_err(|why| {
            let message = format!("ONNX Runtime cannot be loaded from {}: {why}", library.display());
            Error::new(ErrorKind::Model, message)
                .hint("run `midflight models pull onnxruntime`, or set ORT_DYLIB_PATH to the library of release 1.22 or later")
        })
    }
}

/// A model that is ready to run. Shared by all workers.
#[derive(Debug)]
pub struct Network {
    name: String,
    engine: &'static Engine,
    model: Cow<'static, [u8]>,
    /// Sessions that no worker uses now; there are never more than there are workers.
    idle: Mutex<Vec<Session>>,
    inputs: Vec<Input>,
    output: String,
}

/// What can be fed to an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Ids,
    Mask,
    Types,
}

impl Input {
    const NAMES: [(&'static str, Self); 3] = [
        ("input_ids", Self::Ids),
        ("attention_mask", Self::Mask),
        ("token_type_ids", Self::Types),
    ];

    fn name(self) -> &'static str {
        let same = |entry: &&(&'static str, Self)| entry.1 == self;
        Self::NAMES.iter().find(same).map_or("", |(name, _)| name)
    }
}

/// The shape and the numbers that a run gave.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub shape: &'a [i64],
    pub values: &'a [f32],
}

impl Network {
    /// Opens a model, so that what is wrong with it is known before any text is read.
    ///
    /// # Errors
    /// `Model` when it cannot be read, or has other inputs than an encoder's.
    pub fn open(engine: &'static Engine, name: &str, model: Cow<'static, [u8]>) -> Result<Self> {
        let session = open(engine, name, &model)?;
        let mut inputs = Vec::new();
        for input in session.inputs() {
            let known = Input::NAMES
                .iter()
                .find(|(known, _)| *known == input.name());
            let Some((_, input)) = known else {
                let message = format!(
                    "model `{name}` has an input `{}`, which is not an encoder's",
                    input.name()
                );
                return Err(Error::new(ErrorKind::Model, message).hint(
                    "a model takes input_ids, attention_mask and token_type_ids, or some of them",
                ));
            };
            inputs.push(*input);
        }
        let Some(output) = session
            .outputs()
            .first()
            .map(|output| output.name().to_owned())
        else {
            return Err(Error::new(
                ErrorKind::Model,
                format!("model `{name}` has no output"),
            ));
        };
        Ok(Self {
            name: name.to_owned(),
            engine,
            model,
            idle: Mutex::new(vec![session]),
            inputs,
            output,
        })
    }

    /// The name it goes by in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `rows` windows of `length` tokens each, whose ids stand one behind the other, and hands the
    /// first output to `read`.
    ///
    /// # Errors
    /// `Policy` when the inference fails: what it should have judged must not pass.
    pub fn run<T>(
        &self,
        ids: &[i64],
        rows: usize,
        length: usize,
        read: impl FnOnce(Answer<'_>) -> Result<T>,
    ) -> Result<T> {
        let idle = lock(&self.idle).pop();
        let mut session = match idle {
            Some(session) => session,
            None => open(self.engine, &self.name, &self.model)?,
        };
        let result = self.infer(&mut session, ids, [rows, length], read);
        lock(&self.idle).push(session);
        result
    }

    fn infer<T>(
        &self,
        session: &mut Session,
        ids: &[i64],
        shape: [usize; 2],
        read: impl FnOnce(Answer<'_>) -> Result<T>,
    ) -> Result<T> {
        // What ONNX Runtime says may name a token, which is part of a value.
        let failed = |_: ort::Error| self.failed("inference failed");
        let ones = vec![1_i64; ids.len()];
        let zeros = vec![0_i64; ids.len()];
        let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(3);
        for input in &self.inputs {
            let values = match input {
                Input::Ids => ids,
                Input::Mask => &ones,
                Input::Types => &zeros,
            };
            let tensor = TensorRef::from_array_view((shape, values)).map_err(failed)?;
            inputs.push((input.name().into(), tensor.into()));
        }
        let outputs = session.run(inputs).map_err(failed)?;
        let Some(output) = outputs.get(&self.output) else {
            return Err(self.failed("inference gave no output"));
        };
        let (shape, values) = output.try_extract_tensor::<f32>().map_err(failed)?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(self.failed("inference gave numbers that are not finite"));
        }
        read(Answer { shape, values })
    }

    /// An error about a run of this model.
    pub fn failed(&self, what: &str) -> Error {
        Error::new(ErrorKind::Policy, format!("model `{}`: {what}", self.name))
            .hint("run `midflight models verify`; nothing has been let through unread")
    }
}

fn open(engine: &'static Engine, name: &str, model: &[u8]) -> Result<Session> {
    let opened = (|| {
        let mut builder = Session::builder(&engine.0)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(1)?
            .with_intra_op_spinning(false)?;
        builder.commit_from_memory(model)
    })();
    opened.map_err(|error: ort::Error| {
        Error::new(ErrorKind::Model, format!("model `{name}` cannot be opened"))
            .hint("run `midflight models verify`")
            .because(error)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
