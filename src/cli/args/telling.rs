//! The arguments of those who look at a run while it goes on.

use clap::Args;

use crate::runtime::run::Scraped;

/// Metrics for Prometheus.
#[derive(Debug, Args)]
pub(in crate::cli) struct Metrics {
    /// Serves metrics for Prometheus at this address while it runs: `127.0.0.1:9464`, or `:0` for any free port, which
    /// is told on stderr.
    #[arg(long = "metrics", value_name = "ADDR")]
    pub address: Option<String>,
    /// After the end, waits so many seconds for the metrics to be read once more.
    #[arg(
        long = "metrics-linger",
        value_name = "SECONDS",
        requires = "address",
        default_value_t = 0,
        hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(..=crate::runtime::run::LINGER_SECONDS_MAX)
    )]
    pub linger: u64,
}

impl Metrics {
    /// The same for the runtime.
    pub fn scraped(&self) -> Option<Scraped> {
        let address = self.address.clone()?;
        Some(Scraped {
            address,
            linger_seconds: self.linger,
        })
    }
}
