//! Runs as OpenTelemetry spans and metrics, and as Prometheus text.
//!
//! A [`Reading`] is what is known of a run at a moment: names, counts and times. Everything told is made of readings:
//! [`families`] are the metrics, [`prometheus`] writes them as text, [`otlp`] as messages, beside the spans.
//!
//! The messages of OTLP are written out here, as far as they are used, instead of taking OpenTelemetry's SDK: a run
//! ends once and is told once, so there is nothing to sample, batch or register, and the SDK would bring a second
//! HTTP client and global state. The numbers of fields are those of `opentelemetry-proto` 1.x, which never change.

mod family;
pub mod otlp;
pub mod prometheus;
mod reading;
mod span;

pub use family::{Family, Number, Sample, Shape, families};
pub use reading::{Outcome, Reading, StreamReading};
pub use span::{Context, spans};
