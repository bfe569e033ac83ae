//! Edits of rule files that leave every other byte as it is: order, comments, quotes, line ends.
//!
//! An edit is tried where it stands. What then reads back as anything else than what was asked for, as
//! with rules in braces, is written anew in block style: the rules concerned, else the list, else the
//! file. Comments inside of what is replaced go with it.

use super::RuleFile;
use super::write::{layout, rank, write_keys, write_rule, write_rules};
use crate::document::write::{Laid, entry, value};
use crate::document::{Extent, Key, Node, Outline, OutlineEntry, Problems, Value, outline, parse};
use crate::error::{Error, ErrorKind, Result};

/// A key of a rule and what becomes of it: a value, or nothing to remove it.
pub type Change<'a> = (&'a str, Option<Node>);

/// The text with keys of one rule set, replaced or removed.
pub fn set(file: &str, text: &str, id: &str, changes: &[Change<'_>]) -> Result<String> {
    set_all(file, text, &[(id, changes.to_vec())])
}

/// As [`set`], for several rules at once.
pub fn set_all(file: &str, text: &str, changes: &[(&str, Vec<Change<'_>>)]) -> Result<String> {
    let before = read(file, text)?;
    let mut wanted = before.clone();
    let rules = rules_mut(&mut wanted).ok_or_else(|| unwritable(file))?;
    let mut places = Vec::new();
    for (id, changes) in changes {
        let found = rules.iter().position(|rule| has_id(rule, id));
        let Some(place) = found else {
            return Err(no_rule(file, id, rules));
        };
        apply(&mut rules[place], changes);
        places.push((place, changes.as_slice()));
    }
    let attempts: [Attempt<'_>; 4] = [
        &|edits| edits.in_place(&places),
        &|edits| edits.rules_anew(&places),
        &|edits| edits.list_anew(),
        &|edits| edits.file_anew(),
    ];
    first_right(file, text, &wanted, &attempts)
}

/// The text with rules added at the end of its list.
pub fn append(file: &str, text: &str, rules: &[super::RuleSpec]) -> Result<String> {
    if rules.is_empty() {
        return Ok(text.to_owned());
    }
    let added: Vec<_> = rules.iter().map(super::write::node).collect();
    let mut wanted = read(file, text)?;
    let list = rules_mut(&mut wanted).ok_or_else(|| unwritable(file))?;
    list.extend(added.iter().cloned());
    let attempts: [Attempt<'_>; 3] = [
        &|edits| edits.appended(&added),
        &|edits| edits.list_anew(),
        &|edits| edits.file_anew(),
    ];
    first_right(file, text, &wanted, &attempts)
}

/// The tree of a rule file without problems.
fn read(file: &str, text: &str) -> Result<Node> {
    let mut problems = Problems::new();
    RuleFile::parse(file, text, &mut problems);
    problems.into_result()?;
    parse(file, text, &mut Problems::new()).ok_or_else(|| unwritable(file))
}

fn rules_mut(root: &mut Node) -> Option<&mut Vec<Node>> {
    let Value::Map(entries) = &mut root.value else {
        return None;
    };
    let (_, rules) = entries.iter_mut().find(|(key, _)| key.name == "rules")?;
    match &mut rules.value {
        Value::List(items) => Some(items),
        _ => None,
    }
}

fn has_id(rule: &Node, id: &str) -> bool {
    rule.get("id")
        .is_some_and(|node| node.value == Value::Text(id.to_owned()))
}

fn apply(rule: &mut Node, changes: &[Change<'_>]) {
    let Value::Map(entries) = &mut rule.value else {
        return;
    };
    for (name, node) in changes {
        entries.retain(|(key, _)| key.name != *name || node.is_some());
        let Some(node) = node else { continue };
        match entries.iter_mut().find(|(key, _)| key.name == *name) {
            Some((_, old)) => *old = node.clone(),
            None => entries.push((Key::from((*name).to_owned()), node.clone())),
        }
    }
}

fn no_rule(file: &str, id: &str, rules: &[Node]) -> Error {
    let ids = rules
        .iter()
        .filter_map(|rule| match &rule.get("id")?.value {
            Value::Text(id) => Some(id.as_str()),
            _ => None,
        });
    let error = Error::new(ErrorKind::Usage, format!("{file} has no rule `{id}`"));
    match crate::document::nearest(id, ids) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// The first attempt that reads back as what was wanted, and is a rule file without problems.
fn first_right(file: &str, text: &str, wanted: &Node, attempts: &[Attempt<'_>]) -> Result<String> {
    let outline = outline(text).ok_or_else(|| unwritable(file))?;
    let edits = Edits {
        text,
        outline: &outline,
        wanted,
    };
    for attempt in attempts {
        let Some(edited) = attempt(&edits) else {
            continue;
        };
        let mut problems = Problems::new();
        let back = parse(file, &edited, &mut problems);
        if problems.is_empty() && back.is_some_and(|back| back.same(wanted)) {
            // What was asked for may itself be wrong, as a status that there is not.
            read(file, &edited)?;
            return Ok(edited);
        }
    }
    Err(unwritable(file))
}

fn unwritable(file: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("{file} cannot be edited"))
        .hint("write its rules in block style, one key a line, and try again")
}

/// One way to make an edit; nothing where it does not go.
type Attempt<'a> = &'a dyn Fn(&Edits<'_>) -> Option<String>;

/// A stretch of bytes and what takes its place.
struct Edit {
    at: Extent,
    to: String,
}

struct Edits<'a> {
    text: &'a str,
    outline: &'a Outline,
    wanted: &'a Node,
}

impl Edits<'_> {
    /// Each change where its key stands.
    fn in_place(&self, places: &[(usize, &[Change<'_>])]) -> Option<String> {
        let mut edits = Vec::new();
        for (place, changes) in places {
            let Outline::Map {
                extent,
                flow: false,
                entries,
            } = self.items()?.get(*place)?
            else {
                return None;
            };
            let indent = self.column(extent.start);
            let mut changes: Vec<_> = changes.iter().collect();
            changes.sort_by_key(|(name, _)| rank(name));
            for (name, node) in changes {
                let old = entries.iter().position(|entry| entry.name == *name);
                match (old, node) {
                    (Some(old), Some(node)) => {
                        self.replace(&entries[old], indent, node, &mut edits);
                    }
                    (Some(old), None) => edits.push(self.removal(entries, old)?),
                    (None, Some(node)) => {
                        let before = entries
                            .iter()
                            .rev()
                            .find(|entry| rank(&entry.name) < rank(name))?;
                        let mut to = String::new();
                        entry(&mut to, indent, name, node, layout(name));
                        edits.push(self.insertion(self.line_end(before.end()), to));
                    }
                    (None, None) => {}
                }
            }
        }
        self.made(edits)
    }

    fn replace(&self, old: &OutlineEntry, indent: usize, node: &Node, edits: &mut Vec<Edit>) {
        let used = indent + old.name.chars().count();
        let laid = value(indent, used, node, layout(&old.name));
        let beside = (old.value.extent())
            .filter(|extent| !self.text[old.colon..extent.start].contains('\n'));
        let below = Extent {
            start: self.line_end(old.colon),
            end: self.line_end(old.end()),
        };
        match (laid, beside) {
            (Laid::Inline(to), Some(at)) => edits.push(Edit { at, to }),
            (Laid::Inline(to), None) => {
                edits.push(self.insertion(old.colon, format!(" {to}")));
                edits.push(Edit {
                    at: below,
                    to: String::new(),
                });
            }
            (Laid::Lines(to), Some(at)) => {
                edits.push(Edit {
                    at: Extent {
                        start: old.colon,
                        end: at.end,
                    },
                    to: String::new(),
                });
                edits.push(self.insertion(below.end, to));
            }
            (Laid::Lines(to), None) => edits.push(Edit {
                at: below,
                to: self.on_own_line(below.start, to),
            }),
        }
    }

    /// Takes a key out with its line; behind a dash the next key moves up to it.
    fn removal(&self, entries: &[OutlineEntry], which: usize) -> Option<Edit> {
        let entry = &entries[which];
        let at = if which == 0 {
            Extent {
                start: entry.key.start,
                end: entries.get(1)?.key.start,
            }
        } else {
            let line = self.text[..entry.key.start]
                .rfind('\n')
                .map_or(0, |at| at + 1);
            Extent {
                start: line,
                end: self.line_end(entry.end()),
            }
        };
        Some(Edit {
            at,
            to: String::new(),
        })
    }

    /// The rules concerned in block style, with the rest of the list as it is.
    fn rules_anew(&self, places: &[(usize, &[Change<'_>])]) -> Option<String> {
        let Outline::List {
            flow: false, items, ..
        } = &self.outline.entry("rules")?.value
        else {
            return None;
        };
        let wanted = self.wanted_rules()?;
        let mut edits = Vec::new();
        for (place, _) in places {
            let at = items.get(*place)?.extent()?;
            let mut to = String::new();
            write_keys(&mut to, self.column(at.start), wanted.get(*place)?);
            edits.push(Edit {
                at,
                to: to.trim_end().to_owned(),
            });
        }
        self.made(edits)
    }

    /// The whole list in block style.
    fn list_anew(&self) -> Option<String> {
        let Outline::Map { flow: false, .. } = self.outline else {
            return None;
        };
        let entry = self.outline.entry("rules")?;
        let mut to = String::new();
        write_rules(&mut to, 2, self.wanted_rules()?);
        let at = Extent {
            start: entry.key.start,
            end: entry.end(),
        };
        self.made(vec![Edit {
            at,
            to: to.trim_end().to_owned(),
        }])
    }

    /// Everything in block style.
    fn file_anew(&self) -> Option<String> {
        let Value::Map(entries) = &self.wanted.value else {
            return None;
        };
        let mut out = String::new();
        for (key, node) in entries {
            match &node.value {
                Value::List(rules) if key.name == "rules" => write_rules(&mut out, 2, rules),
                _ => entry(
                    &mut out,
                    0,
                    &key.name,
                    node,
                    crate::document::write::Layout::Fit,
                ),
            }
        }
        Some(out)
    }

    /// New rules behind the last, with comments that belong to it between.
    fn appended(&self, added: &[Node]) -> Option<String> {
        let Outline::List {
            extent,
            flow: false,
            items,
        } = &self.outline.entry("rules")?.value
        else {
            return None;
        };
        let indent = self.column(extent.start);
        let mut at = self.line_end(items.last()?.extent()?.end);
        while let Some(line) = self.text[at..].split_inclusive('\n').next() {
            let blank = line.len() - line.trim_start_matches(' ').len();
            if !line[blank..].starts_with('#') || blank <= indent {
                break;
            }
            at += line.len();
        }
        let mut to = String::new();
        for rule in added {
            to.push('\n');
            write_rule(&mut to, indent, rule);
        }
        self.made(vec![self.insertion(at, to)])
    }

    fn items(&self) -> Option<&[Outline]> {
        match &self.outline.entry("rules")?.value {
            Outline::List {
                flow: false, items, ..
            } => Some(items),
            _ => None,
        }
    }

    fn wanted_rules(&self) -> Option<&[Node]> {
        match &self.wanted.get("rules")?.value {
            Value::List(rules) => Some(rules),
            _ => None,
        }
    }

    /// How many characters stand before a byte on its line.
    fn column(&self, at: usize) -> usize {
        let line = self.text[..at].rfind('\n').map_or(0, |at| at + 1);
        self.text[line..at]
            .trim_start_matches('\u{feff}')
            .chars()
            .count()
    }

    /// Where the line of a byte ends, its line break included.
    fn line_end(&self, at: usize) -> usize {
        self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |end| at + end + 1)
    }

    fn insertion(&self, at: usize, to: String) -> Edit {
        let to = if to.ends_with('\n') {
            self.on_own_line(at, to)
        } else {
            to
        };
        Edit {
            at: Extent { start: at, end: at },
            to,
        }
    }

    /// Lines that begin on a line of their own even where the text ends without a line break.
    fn on_own_line(&self, at: usize, lines: String) -> String {
        if at == self.text.len() && !self.text.ends_with('\n') {
            return format!("\n{}", lines.trim_end_matches('\n'));
        }
        lines
    }

    /// The text with the edits made; `None` where two of them meet.
    fn made(&self, mut edits: Vec<Edit>) -> Option<String> {
        let windows = self.text.contains("\r\n");
        edits.sort_by_key(|edit| edit.at.start);
        let mut out = String::with_capacity(self.text.len());
        let mut done = 0;
        for Edit { at, to } in edits {
            out.push_str(self.text.get(done..at.start)?);
            out.push_str(&if windows {
                to.replace('\n', "\r\n")
            } else {
                to
            });
            done = at.end;
        }
        out.push_str(self.text.get(done..)?);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Approval, Status, write};
    use super::*;

    const BLOCK: &str = "# head\nversion: 1\nstream: s   # which\nrules:\n\n  # first\n  - id: a\n    expr: x > 1  # NULL passes\n    columns: [x]\n    on_fail: drop\n    status: proposed # soon\n    evidence:   # by the tool\n      rows: 1   # one\n    # inside\n    tests: {pass: [{x: 2}]}\n    # of a\n# tail\nlimits: {}\n";

    fn changed(text: &str, id: &str, changes: &[Change<'_>]) -> String {
        set("r.yaml", text, id, changes).expect(text)
    }

    #[test]
    fn only_what_was_asked_for_changes() {
        let rows = |rows: i64| Node::map([("rows", Value::Integer(rows).into())]);
        for (name, node, from, to) in [
            (
                "status",
                Some(write::status(Status::Retired)),
                "status: proposed # soon",
                "status: retired # soon",
            ),
            (
                "evidence",
                Some(rows(7)),
                "      rows: 1   # one\n",
                "      rows: 7\n",
            ),
            (
                "evidence",
                None,
                "    evidence:   # by the tool\n      rows: 1   # one\n",
                "",
            ),
            (
                "source",
                Some(Node::map([("kind", Node::text("llm"))])),
                "# soon\n",
                "# soon\n    source: {kind: llm}\n",
            ),
            ("expr", Some(Node::text("x > 2")), "x > 1  #", "x > 2  #"),
            ("columns", Some(Node::text("x")), "[x]", "x"),
            ("tests", None, "    tests: {pass: [{x: 2}]}\n", ""),
            ("source", None, "", ""),
            (
                "tests",
                Some(Node::map([(
                    "fail",
                    Value::List(vec![Node::map([("x", Value::Null.into())])]).into(),
                )])),
                "tests: {pass: [{x: 2}]}\n",
                "tests:\n      fail: [{x: null}]\n",
            ),
        ] {
            let edited = changed(BLOCK, "a", &[(name, node.clone())]);
            assert_eq!(edited, BLOCK.replace(from, to), "{name}");
            let windows = BLOCK.replace('\n', "\r\n");
            let edited = changed(&windows, "a", &[(name, node)]);
            assert_eq!(
                edited,
                BLOCK.replace(from, to).replace('\n', "\r\n"),
                "{name}"
            );
        }
    }

    #[test]
    fn several_keys_change_at_once_and_at_the_end_of_the_file() {
        let text = "version: 1\nstream: s\nrules:\n- on_fail: drop\n  id: a\n  check: not_null\n  columns: x\n  status: proposed";
        let approval = Approval {
            by: "ann".to_owned(),
            at: "2026-01-02".to_owned(),
            note: None,
            fingerprint: None,
        };
        let evidence = Node::map([("rows", Value::Integer(5).into())]);
        let changes = [
            ("approved", Some(write::approved(&approval))),
            ("evidence", Some(evidence)),
            ("status", Some(write::status(Status::Approved))),
        ];
        let edited = changed(text, "a", &changes);
        let expected =
            "  status: approved\n  evidence:\n    rows: 5\n  approved: {by: ann, at: 2026-01-02}";
        assert_eq!(edited, text.replace("  status: proposed", expected));
        let moved = changed(text, "a", &[("on_fail", Some(Node::text("fail")))]);
        assert_eq!(moved, text.replace("drop", "fail"));
    }

    #[test]
    fn rules_in_braces_are_written_in_block_style() {
        let status = || [("status", Some(write::status(Status::Retired)))];
        let one = "version: 1\nstream: s\nrules:\n  - {id: a, check: not_null, columns: x, on_fail: drop} # a\n  - {id: b, check: not_null, columns: x, on_fail: drop} # b\n";
        assert_eq!(
            changed(one, "a", &status()),
            one.replace(
                "{id: a, check: not_null, columns: x, on_fail: drop}",
                "id: a\n    check: not_null\n    columns: x\n    on_fail: drop\n    status: retired"
            )
        );
        let list = "stream: s\nrules: [{id: a, check: not_null, columns: x, on_fail: drop}] # end\nversion: 1\n";
        assert_eq!(
            changed(list, "a", &status()),
            "stream: s\nrules:\n  - id: a\n    check: not_null\n    columns: x\n    on_fail: drop\n    status: retired # end\nversion: 1\n"
        );
        let json = "{\"version\": 1, \"stream\": \"s\", \"rules\": [{\"id\": \"a\", \"check\": \"not_null\", \"columns\": [\"x\"], \"on_fail\": \"drop\"}]}";
        assert_eq!(
            changed(json, "a", &status()),
            "version: 1\nstream: s\nrules:\n  - id: a\n    check: not_null\n    columns: [x]\n    on_fail: drop\n    status: retired\n"
        );
    }

    #[test]
    fn rules_are_added_behind_the_last() {
        let mut problems = Problems::new();
        let text = "version: 1\nstream: s\nrules:\n  - {id: z, check: not_null, columns: x, on_fail: drop}\n";
        let rules = RuleFile::parse("r.yaml", text, &mut problems)
            .expect(text)
            .rules;
        let added = "\n  - id: z\n    check: not_null\n    columns: [x]\n    severity: error\n    on_fail: drop\n    status: proposed\n";
        for (text, at) in [
            (BLOCK, "    # of a\n"),
            ("version: 1\nstream: s\nrules: []\n", ""),
        ] {
            let expected = match at {
                "" => text.replace(" []\n", added),
                at => text.replace(at, &format!("{at}{added}")),
            };
            assert_eq!(append("r.yaml", text, &rules).expect(text), expected);
        }
        let twice = append("r.yaml", text, &rules).expect_err("the id is taken");
        assert!(twice.to_string().contains("the id `z` is taken"), "{twice}");
        assert_eq!(append("r.yaml", BLOCK, &[]).expect("unchanged"), BLOCK);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let error = set("r.yaml", BLOCK, "A", &[]).expect_err("no such rule");
        assert_eq!(error.message(), "r.yaml has no rule `A`");
        let error = set(
            "r.yaml",
            BLOCK,
            "a",
            &[("status", Some(Node::text("done")))],
        );
        let error = error.expect_err("no such status");
        assert!(error.to_string().contains("unknown word `done`"), "{error}");
        let error = set("r.yaml", BLOCK, "a", &[("id", None)]).expect_err("no id");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(set("r.yaml", "version: 1", "a", &[]).is_err());
    }
}
