//! Events of buckets: over HTTP and through the Lambda runtime API, both with real requests on this machine.

mod events;
mod lambda;
mod requests;
mod server;
