//! Takes every record of a stream out.

use super::{Halt, Stage};
use crate::batch::Batch;

/// The compiled stage.
#[derive(Debug)]
pub struct Discard;

impl Stage for Discard {
    fn apply(&self, batch: &mut Batch) -> Result<(), Halt> {
        (0..batch.rows().len()).for_each(|row| batch.drop_row(row));
        Ok(())
    }
}
