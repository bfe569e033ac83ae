//! Airbyte protocol lines: their structure as bytes, their types, and the few lines we write ourselves.

pub mod catalog;
pub mod frame;
pub mod said;
pub mod scan;
pub mod state;
pub mod trace;
pub mod walk;
