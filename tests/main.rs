//! Every integration test, in one binary: linking DataFusion once is enough.

mod architecture;
mod batch;
mod canary;
mod cases;
mod classify;
mod cli;
mod embed;
mod govern;
mod kill;
mod llm;
mod models;
mod properties;
mod protocol;
mod real;
mod rules;
mod serve;
mod staged;
mod support;
mod tables;
mod tagger;
