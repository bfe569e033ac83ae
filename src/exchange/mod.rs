//! Rules in the formats of other tools: the Open Data Contract Standard and dqx.
