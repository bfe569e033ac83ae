//! Every integration test, in one binary: linking DataFusion once is enough.

mod architecture;
mod batch;
mod canary;
mod cases;
mod classify;
mod cli;
mod embed;
mod kill;
mod models;
mod profile;
mod properties;
mod protocol;
mod real;
mod serve;
mod staged;
mod support;
mod tables;
mod tagger;
