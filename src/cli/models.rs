//! `midflight models`

use serde_json::{Value, json};

use super::args::{Format, Models, ModelsAction};
use super::output::{self, table};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::models::inventory::{Item, State};

pub(super) fn run(arguments: &Models) -> Result<()> {
    match &arguments.action {
        ModelsAction::List { format } => list(*format),
        ModelsAction::Pull { names, all, format } => pull(&items(names, *all)?, *format),
        ModelsAction::Verify { names, format } => verify(names, *format),
    }
}

fn items(names: &[String], all: bool) -> Result<Vec<Item>> {
    match all {
        true => Item::all(),
        false => names.iter().map(|name| Item::named(name)).collect(),
    }
}

fn list(format: Format) -> Result<()> {
    let mut rows = vec![["name", "task", "size", "licence", "where"].map(str::to_owned)];
    let mut values = Vec::new();
    for item in Item::all()? {
        let state = item.state()?;
        rows.push([
            item.name().to_owned(),
            item.task().to_owned(),
            item.bytes().map_or("unknown".to_owned(), megabytes),
            item.licence().to_owned(),
            whereabouts(&item, &state),
        ]);
        let mut value = described(&item, &state);
        value["task"] = json!(item.task());
        value["bytes"] = json!(item.bytes());
        value["licence"] = json!(item.licence());
        value["attribution"] = json!(item.attribution());
        value["package"] = json!(item.source().map(|source| json!({
            "file": source.file, "bytes": source.bytes, "sha256": source.sha256,
        })));
        values.push(value);
    }
    match format {
        Format::Text => output::result(&table(&rows)),
        Format::Json => output::result(&pretty(&Value::from(values))),
    }
}

fn pull(items: &[Item], format: Format) -> Result<()> {
    let mut values = Vec::new();
    for item in items {
        let fetched = item.pull()?;
        let state = item.state()?;
        let mut value = described(item, &state);
        value["fetched"] = json!(fetched);
        values.push(value);
        if format == Format::Text {
            let how = if fetched { "fetched" } else { "already here" };
            output::result(&format!(
                "{}: {how}, {}",
                item.name(),
                whereabouts(item, &state)
            ))?;
        }
    }
    match format {
        Format::Text => Ok(()),
        Format::Json => output::result(&pretty(&Value::from(values))),
    }
}

/// What was not fetched is a problem only where it was asked for by name, or where nothing works without it.
fn verify(names: &[String], format: Format) -> Result<()> {
    let mut values = Vec::new();
    let mut wrong = Vec::new();
    for item in items(names, names.is_empty())? {
        let state = item.state();
        let absent = matches!(state, Ok(State::Missing));
        let proved = match state {
            Ok(_) if absent && names.is_empty() && !item.is_runtime() => None,
            Ok(_) => Some(item.verify()),
            Err(error) => Some(Err(error)),
        };
        let (word, error) = match proved {
            None => ("not fetched", None),
            Some(Ok(())) => ("whole", None),
            Some(Err(error)) => ("wrong", Some(error)),
        };
        if format == Format::Text {
            let told = error
                .as_ref()
                .map_or(String::new(), |error| format!(": {}", advised(error)));
            output::result(&format!("{}: {word}{told}", item.name()))?;
        }
        values.push(json!({
            "name": item.name(),
            "version": item.version(),
            "state": word,
            "problem": error.as_ref().map(ToString::to_string),
            "advice": error.as_ref().and_then(Error::advice),
        }));
        if error.is_some() {
            wrong.push(item.name().to_owned());
        }
    }
    if format == Format::Json {
        output::result(&pretty(&Value::from(values)))?;
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Model,
            format!("not in order: {}", wrong.join(", ")),
        )),
    }
}

fn advised(error: &Error) -> String {
    match error.advice() {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

fn described(item: &Item, state: &State) -> Value {
    let (word, path) = match state {
        State::BuiltIn => ("built_in", None),
        State::Cached(path) => ("cached", Some(path)),
        State::Own(path) => ("own", Some(path)),
        State::Missing => ("not_fetched", None),
    };
    json!({"name": item.name(), "version": item.version(), "state": word, "path": path})
}

fn whereabouts(item: &Item, state: &State) -> String {
    match (state, item.source()) {
        (State::BuiltIn, _) => "built in".to_owned(),
        (State::Cached(path) | State::Own(path), _) => path.display().to_string(),
        (State::Missing, Some(source)) => format!("not fetched yet ({})", megabytes(source.bytes)),
        (State::Missing, None) => "nowhere".to_owned(),
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up() {
        let rows = [["a", "bb", "c"], ["aaa", "b", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a    bb  c\naaa  b\n");
        assert_eq!(megabytes(23_760_988), "23.8 MB");
        assert_eq!(megabytes(1), "0.1 MB");
    }
}
