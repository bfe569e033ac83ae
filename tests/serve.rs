//! Events of buckets: over HTTP and through the Lambda runtime API, both with real requests on this machine.

mod events;
mod lambda;
mod pool;
mod requests;
mod server;
