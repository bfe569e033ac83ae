//! `midflight completions`

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Arguments;
use super::output;
use crate::error::Result;

pub(super) fn run(shell: Shell) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "midflight", &mut text);
    output::result(&String::from_utf8_lossy(&text))
}
