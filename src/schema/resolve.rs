//! Following a path through types: what lies there, or where it breaks and what was probably meant.

use super::missing::{LISTED, Missing};
use super::path::{Path, Segment};
use super::types::{Field, LogicalType};

/// The types one step leads to, and whether it also leads where nothing is declared.
#[derive(Default)]
struct Reached<'a> {
    types: Vec<&'a LogicalType>,
    open: bool,
}

/// The type at `path` below an object of these columns; `open` says that it may have more of them.
pub(super) fn resolve(columns: &[Field], open: bool, path: &Path) -> Result<LogicalType, Missing> {
    let reached = walk(columns, open, path)?;
    if reached.open {
        return Ok(LogicalType::Unknown);
    }
    Ok(LogicalType::union(reached.types.into_iter().cloned()))
}

/// Whether these columns name something at `path`, rather than merely allowing it.
pub(super) fn declares(columns: &[Field], path: &Path) -> bool {
    walk(columns, false, path).is_ok_and(|reached| !reached.types.is_empty())
}

fn walk<'a>(columns: &'a [Field], open: bool, path: &Path) -> Result<Reached<'a>, Missing> {
    let segments = path.segments();
    let mut level = Reached::default();
    for (i, segment) in segments.iter().enumerate() {
        let mut next = Reached::default();
        if i == 0 {
            object_step(columns, segment, &mut next);
            next.open |= open && *segment != Segment::Items && next.types.is_empty();
        } else {
            level
                .types
                .iter()
                .for_each(|ty| step(ty, segment, &mut next));
            next.open |= level.open;
        }
        if *segment == Segment::Any && i + 1 == segments.len() {
            let mut leaves = Vec::new();
            next.types.iter().for_each(|ty| leaf_types(ty, &mut leaves));
            next.types = leaves;
        }
        if next.types.is_empty() && !next.open {
            return Err(missing(columns, &level.types, path, i));
        }
        level = next;
    }
    Ok(level)
}

/// Whether `path` lies at or below `prefix`; a `*` in `prefix` stands for one step of any sort.
pub(super) fn within(prefix: &[Segment], path: &[Segment]) -> bool {
    path.len() >= prefix.len()
        && prefix
            .iter()
            .zip(path)
            .all(|(outer, inner)| *outer == Segment::Any || outer == inner)
}

/// The paths of all values without declared parts, in order; `[]` for elements of typed arrays.
pub(super) fn leaves(columns: &[Field]) -> Vec<(Path, LogicalType)> {
    fn visit(ty: &LogicalType, at: &mut Vec<Segment>, out: &mut Vec<(Path, LogicalType)>) {
        match ty {
            LogicalType::Object(fields) => {
                for field in fields {
                    at.push(Segment::Key(field.name.clone()));
                    visit(&field.ty, at, out);
                    at.pop();
                }
            }
            LogicalType::Array(Some(item)) => {
                at.push(Segment::Items);
                visit(item, at, out);
                at.pop();
            }
            leaf => out.extend(Path::new(at.clone()).map(|path| (path, leaf.clone()))),
        }
    }
    let mut out = Vec::new();
    for column in columns {
        visit(
            &column.ty,
            &mut vec![Segment::Key(column.name.clone())],
            &mut out,
        );
    }
    out
}

fn object_step<'a>(fields: &'a [Field], segment: &Segment, out: &mut Reached<'a>) {
    match segment {
        Segment::Key(name) => out.types.extend(
            fields
                .iter()
                .find(|field| field.name == *name)
                .map(|field| &field.ty),
        ),
        Segment::Any => out.types.extend(fields.iter().map(|field| &field.ty)),
        Segment::Items => {}
    }
}

fn step<'a>(ty: &'a LogicalType, segment: &Segment, out: &mut Reached<'a>) {
    match (ty, segment) {
        (LogicalType::Union(options), _) => {
            options.iter().for_each(|option| step(option, segment, out));
        }
        (LogicalType::Unknown | LogicalType::Json, _)
        | (LogicalType::SchemalessObject, Segment::Key(_) | Segment::Any)
        | (LogicalType::Array(None), Segment::Items) => out.open = true,
        (LogicalType::Array(Some(item)), Segment::Items) => out.types.push(item),
        (LogicalType::Object(fields), _) => object_step(fields, segment, out),
        _ => {}
    }
}

fn leaf_types<'a>(ty: &'a LogicalType, out: &mut Vec<&'a LogicalType>) {
    match ty {
        LogicalType::Object(fields) => fields.iter().for_each(|field| leaf_types(&field.ty, out)),
        LogicalType::Array(Some(item)) => leaf_types(item, out),
        LogicalType::Union(options) => options.iter().for_each(|option| leaf_types(option, out)),
        leaf => out.push(leaf),
    }
}

/// The error for a path that breaks at its `at`th segment; `level` is what the step before reached.
fn missing(columns: &[Field], level: &[&LogicalType], path: &Path, at: usize) -> Missing {
    let mut names: Vec<&str> = Vec::new();
    if at == 0 {
        names.extend(columns.iter().map(|column| column.name.as_str()));
    } else {
        level.iter().for_each(|ty| names_of(ty, &mut names));
    }
    let nearest = match &path.segments()[at] {
        Segment::Key(name) => dotted(&names, path, at)
            .or_else(|| elements(level, path, at))
            .or_else(|| alike(&names, name).map(|other| replaced(path, at..at + 1, &[key(other)])))
            .or_else(|| deeper(columns, name)),
        Segment::Items => Path::new(replaced_segments(path, at..at + 1, &[])),
        Segment::Any => None,
    };
    Missing {
        path: path.clone(),
        nearest: nearest.map(|path| path.to_string()),
        available: names
            .iter()
            .take(LISTED)
            .map(|name| key_text(name))
            .collect(),
    }
}

/// `a.b` where one key is called `a.b`.
fn dotted(names: &[&str], path: &Path, at: usize) -> Option<Path> {
    let mut joined = String::new();
    for (i, segment) in path.segments().iter().enumerate().skip(at) {
        let Segment::Key(name) = segment else {
            return None;
        };
        if i > at {
            joined.push('.');
        }
        joined.push_str(name);
        if i > at && names.contains(&joined.as_str()) {
            return Some(replaced(path, at..i + 1, &[key(&joined)]));
        }
    }
    None
}

/// `items.email` where `items` is an array.
fn elements(level: &[&LogicalType], path: &Path, at: usize) -> Option<Path> {
    let mut inner = Reached::default();
    let mut found = Reached::default();
    level
        .iter()
        .for_each(|ty| step(ty, &Segment::Items, &mut inner));
    inner
        .types
        .iter()
        .for_each(|ty| step(ty, &path.segments()[at], &mut found));
    (inner.open || found.open || !found.types.is_empty())
        .then(|| replaced(path, at..at, &[Segment::Items]))
}

/// The name that differs least, if it differs little.
fn alike<'a>(names: &[&'a str], name: &str) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    names
        .iter()
        .map(|other| (strsim::osa_distance(&wanted, &other.to_lowercase()), *other))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// The first value anywhere below whose own key is `name`.
fn deeper(columns: &[Field], name: &str) -> Option<Path> {
    leaves(columns)
        .into_iter()
        .map(|(path, _)| path)
        .find(|path| path.leaf() == Some(name))
}

fn names_of<'a>(ty: &'a LogicalType, out: &mut Vec<&'a str>) {
    match ty {
        LogicalType::Object(fields) => out.extend(fields.iter().map(|field| field.name.as_str())),
        LogicalType::Union(options) => options.iter().for_each(|option| names_of(option, out)),
        _ => {}
    }
}

fn key(name: &str) -> Segment {
    Segment::Key(name.to_owned())
}

fn key_text(name: &str) -> String {
    Path::key(name).to_string()
}

fn replaced(path: &Path, range: std::ops::Range<usize>, with: &[Segment]) -> Path {
    Path::new(replaced_segments(path, range, with)).unwrap_or_else(|| path.clone())
}

fn replaced_segments(path: &Path, range: std::ops::Range<usize>, with: &[Segment]) -> Vec<Segment> {
    let mut segments = path.segments().to_vec();
    segments.splice(range, with.iter().cloned());
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_step() {
        let path = |text: &str| text.parse::<Path>().expect(text);
        for (prefix, inner, expected) in [
            ("a", "a", true),
            ("a", "a.b", true),
            ("a.b", "a", false),
            ("a.*", "a", false),
            ("a.*", "a[].b", true),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.b.d", false),
            ("a.b", "a.*", false),
            ("*", "anything.below", true),
        ] {
            let (outer, inner_path) = (path(prefix), path(inner));
            assert_eq!(
                within(outer.segments(), inner_path.segments()),
                expected,
                "{prefix} {inner}"
            );
        }
    }

    #[test]
    fn small_slips_are_recognised_and_others_are_not() {
        let names = ["id", "email", "created_at", "E-Mail"];
        for (wrong, right) in [
            ("Email", Some("email")),
            ("e-mail", Some("E-Mail")),
            ("craeted_at", Some("created_at")),
            ("di", Some("id")),
            ("phone", None),
            ("", None),
        ] {
            assert_eq!(alike(&names, wrong), right, "{wrong}");
        }
    }
}
