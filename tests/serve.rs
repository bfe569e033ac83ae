//! Events of buckets: over HTTP and through the Lambda runtime API, both with real requests on this machine.

mod events;
pub mod lambda;
mod pool;
mod requests;
pub mod server;
