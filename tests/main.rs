//! Every integration test, in one binary: linking DataFusion once is enough.

mod architecture;
mod batch;
mod canary;
mod cases;
mod classify;
mod cli;
mod drift;
mod embed;
mod exchange;
mod govern;
mod health;
mod kill;
mod llm;
mod models;
mod profile;
mod properties;
mod protocol;
mod real;
mod rules;
mod semantic;
mod serve;
mod staged;
mod support;
mod tables;
mod tagger;
