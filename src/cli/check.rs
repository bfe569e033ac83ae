//! `midflight check`

use serde_json::json;

use super::args::{Check, Format};
use super::output;
use crate::error::Result;
use crate::runtime::load;

pub(super) fn run(arguments: &Check) -> Result<()> {
    match (load(&arguments.plan.files(false)), arguments.format) {
        (Ok(plan), Format::Text) => {
            let notes: String = plan
                .notes()
                .iter()
                .map(|note| format!("note: {note}\n"))
                .collect();
            output::result(&format!("{notes}{}: no problems", plan.sources().file))
        }
        (Ok(plan), Format::Json) => output::result(
            &json!({"file": plan.sources().file, "problems": [], "notes": plan.notes()})
                .to_string(),
        ),
        (Err(error), Format::Text) => Err(error),
        (Err(error), Format::Json) => {
            let problems: Vec<_> = error.message().lines().collect();
            output::result(&json!({"problems": problems, "notes": []}).to_string())?;
            Err(error)
        }
    }
}
