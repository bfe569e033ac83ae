//! Those who look at a run from outside while it goes on: a collector of traces and metrics, and Prometheus.

use std::io::Write;
use std::time::Duration;

use uuid::Uuid;

use super::environment::Environment;
use super::live::{Live, Pulse};
use super::metrics::Metrics;
use super::run::{Options, Scraped};
use super::telemetry::{Asked, Exporter};
use crate::error::Result;
use crate::plan::Plan;
use crate::report::Totals;

/// A run under their eyes.
#[derive(Debug, Default)]
pub struct Watched {
    /// `None` where nobody looks, so that nothing is counted for nobody.
    live: Option<Live>,
    asked: Option<Asked>,
    scraped: Option<Scraped>,
    exporter: Option<Exporter>,
    metrics: Option<Metrics>,
}

impl Watched {
    /// By those whom the options and the environment name.
    pub fn of(options: &Options) -> Self {
        let asked = options.outside.then(|| Asked::of(&Environment::current()));
        let scraped = options.metrics.clone();
        let any = scraped.is_some() || asked.as_ref().is_some_and(Asked::any);
        Self {
            live: any.then(Live::default),
            asked,
            scraped,
            ..Self::default()
        }
    }

    /// What hands counts over.
    pub fn pulse(&self) -> Option<Pulse> {
        self.live.as_ref().map(Live::pulse)
    }

    /// Lets them look.
    ///
    /// # Errors
    /// `Usage` or `Input` when metrics cannot be served where that was asked for.
    pub fn begin(&mut self, command: &'static str, run: Uuid) -> Result<()> {
        let Some(live) = &self.live else {
            return Ok(());
        };
        live.begin(command, run.to_string());
        if let Some(scraped) = &self.scraped {
            let metrics = Metrics::start(&scraped.address, live.clone())?;
            // Nobody needs to hear of it where stderr is closed.
            let _ = writeln!(
                std::io::stderr(),
                "midflight: metrics at http://{}/metrics",
                metrics.address()
            );
            self.metrics = Some(metrics);
        }
        self.exporter = self.asked.as_mut().and_then(|asked| asked.start(live));
        Ok(())
    }

    /// The run is over, with these counts.
    pub fn over(&self, plan: &Plan, totals: &Totals, states: (u64, u64), ended: &Result<()>) {
        if let Some(live) = &self.live {
            live.end(plan, totals, states, ended);
        }
    }

    /// Sends the rest, waits for the last reader, and gives what a person should know of who could not be told.
    pub fn finish(&mut self) -> Vec<String> {
        let asked = self.asked.take();
        let mut notes = asked.map(|asked| asked.notes).unwrap_or_default();
        notes.extend(
            self.exporter
                .take()
                .map(Exporter::finish)
                .unwrap_or_default(),
        );
        if let Some(metrics) = self.metrics.take() {
            let seconds = self
                .scraped
                .as_ref()
                .map_or(0, |scraped| scraped.linger_seconds);
            metrics.finish(Duration::from_secs(seconds));
        }
        notes
    }
}
