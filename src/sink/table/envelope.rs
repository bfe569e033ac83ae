//! What a line says about its record beside `data`.

use super::column::Notes;
use super::line::{Line, Slot};
use super::object::Object;
use super::text::Text;
use crate::protocol::walk::{Malformed, Next, Value, Walker};

/// The record's columns, or one that holds all of it.
#[derive(Debug)]
pub(super) enum Data {
    Fields(Object),
    Whole(Text),
}

/// Places in the line's `record`; absent where it does not say.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub data: Slot,
    pub emitted_at: Slot,
    pub meta: Slot,
    pub raw_id: Slot,
    pub generation_id: Slot,
}

/// Reads the envelope; the places of the members of `data` are gathered on the way.
pub(super) fn read(
    line: &Line<'_>,
    data: &mut Data,
    notes: &mut Notes,
) -> Result<Envelope, Malformed> {
    let mut walker = line.walker(0);
    while let Some(key) = walker.key()? {
        if &line.bytes[key.start as usize..key.end as usize] == b"record" {
            return match walker.value()? {
                Value::Object { .. } => record(line, &mut walker, data, notes),
                _ => Err(walker.malformed("has a `record` that is not an object")),
            };
        }
        line.value(&mut walker)?;
        if walker.next(b'}')? == Next::Closed {
            break;
        }
    }
    Err(walker.malformed("is no record"))
}

fn record<'a>(
    line: &Line<'a>,
    walker: &mut Walker<'a>,
    data: &mut Data,
    notes: &mut Notes,
) -> Result<Envelope, Malformed> {
    let mut envelope = Envelope::default();
    while let Some(key) = walker.key()? {
        let name = &line.bytes[key.start as usize..key.end as usize];
        let known = match name {
            b"data" => Some(&mut envelope.data),
            b"emitted_at" => Some(&mut envelope.emitted_at),
            b"meta" => Some(&mut envelope.meta),
            b"_airbyte_raw_id" => Some(&mut envelope.raw_id),
            b"_airbyte_generation_id" => Some(&mut envelope.generation_id),
            _ => None,
        };
        if known.as_ref().is_some_and(|place| !place.is_absent()) {
            return Err(walker.malformed("names a key of the envelope twice"));
        }
        let value = match name {
            b"data" => fields(line, walker, data, notes)?,
            _ => line.value(walker)?,
        };
        if let Some(place) = known {
            *place = value;
        }
        if walker.next(b'}')? == Next::Closed {
            break;
        }
    }
    if envelope.data.is_absent() {
        return Err(walker.malformed("has a record without `data`"));
    }
    Ok(envelope)
}

/// Passes `data`, from its colon to the separator behind it.
fn fields<'a>(
    line: &Line<'a>,
    walker: &mut Walker<'a>,
    data: &mut Data,
    notes: &mut Notes,
) -> Result<Slot, Malformed> {
    let start = match walker.value()? {
        Value::Object { start } => start,
        Value::Scalar { start, end } if &line.bytes[start as usize..end as usize] == b"null" => {
            return Ok(Slot { start, end, at: 0 });
        }
        _ => return Err(walker.malformed("has a `data` that is not an object")),
    };
    let at = walker.at();
    match data {
        Data::Fields(object) => object.gather(line, walker, notes)?,
        Data::Whole(_) => walker.skip()?,
    }
    let end = walker.here() + 1;
    walker.leave()?;
    Ok(Slot { start, end, at })
}
