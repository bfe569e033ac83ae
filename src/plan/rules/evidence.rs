//! What was measured about a rule, as a back-test writes it: for one fingerprint, in one order of keys.

use super::RuleSpec;
use crate::document::{Node, Value};

/// The evidence for a rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// The time that the rows are from, as `2026-09-01/2026-09-14`.
    pub window: Option<String>,
    /// Rows the rule was tried on.
    pub rows: u64,
    /// Those that violated it.
    pub violations: u64,
    /// The rate that violations stay below, at 95 %.
    pub fpr_upper95: f64,
    /// Rows and violations of each fold, in the order of time.
    pub folds: Vec<(u64, u64)>,
    /// Per error that was put in, the share that the rule noticed.
    pub caught: Vec<(String, f64)>,
    /// The rule that was tried.
    pub fingerprint: Option<String>,
    /// What the errors were drawn with.
    pub seed: Option<u64>,
}

impl Evidence {
    /// Reads what a back-test wrote. `None` where rows, violations or the bound are missing: what people write
    /// there is theirs.
    pub fn read(node: &Node) -> Option<Self> {
        let count = |name: &str| count(node.get(name)?);
        let text = |name: &str| match &node.get(name)?.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        let (rows, violations) = (count("rows")?, count("violations")?);
        let fpr_upper95 = number(node.get("fpr_upper95")?)?;
        let folds = node.get("folds");
        let counts = |name: &str| match folds
            .and_then(|folds| folds.get(name))
            .map(|node| &node.value)
        {
            Some(Value::List(items)) => items.iter().filter_map(self::count).collect(),
            _ => Vec::new(),
        };
        let caught = match node.get("caught").map(|node| &node.value) {
            Some(Value::Map(entries)) => (entries.iter())
                .filter_map(|(key, node)| Some((key.name.clone(), number(node)?)))
                .collect(),
            _ => Vec::new(),
        };
        Some(Self {
            window: text("window"),
            rows,
            violations,
            fpr_upper95,
            folds: counts("rows")
                .into_iter()
                .zip(counts("violations"))
                .collect(),
            caught,
            fingerprint: text("fingerprint")
                .map(|print| print.trim_start_matches("sha256:").to_lowercase()),
            seed: count("seed"),
        })
    }

    /// As it stands in a file.
    pub fn node(&self) -> Node {
        let integer = |count: u64| Node::from(Value::Integer(count.try_into().unwrap_or(i64::MAX)));
        let float = |number: f64| Node::from(Value::Float(number));
        let list = |counts: &mut dyn Iterator<Item = u64>| {
            Node::from(Value::List(counts.map(integer).collect()))
        };
        let mut entries = Vec::new();
        entries.extend(
            self.window
                .as_ref()
                .map(|window| ("window", Node::text(window))),
        );
        entries.push(("rows", integer(self.rows)));
        entries.push(("violations", integer(self.violations)));
        entries.push(("fpr_upper95", float(rounded_up(self.fpr_upper95))));
        if !self.folds.is_empty() {
            let folds = [
                ("rows", list(&mut self.folds.iter().map(|fold| fold.0))),
                (
                    "violations",
                    list(&mut self.folds.iter().map(|fold| fold.1)),
                ),
            ];
            entries.push(("folds", Node::map(folds)));
        }
        if !self.caught.is_empty() {
            let caught = self
                .caught
                .iter()
                .map(|(error, rate)| (error.clone(), float((rate * 100.0).round() / 100.0)));
            entries.push(("caught", Node::map(caught)));
        }
        entries.extend(
            self.fingerprint
                .as_ref()
                .map(|print| ("fingerprint", Node::text(print))),
        );
        entries.extend(self.seed.map(|seed| ("seed", integer(seed))));
        Node::map(entries)
    }
}

impl RuleSpec {
    /// The evidence that a back-test has written, whatever it is about.
    pub fn recorded_evidence(&self) -> Option<Evidence> {
        self.evidence.as_ref().and_then(Evidence::read)
    }

    /// The evidence for the rule as it stands; what was measured about another expression is void, and so is what
    /// does not say what it is about.
    pub fn valid_evidence(&self) -> Option<Evidence> {
        let print = self.fingerprint();
        self.recorded_evidence()
            .filter(|evidence| evidence.fingerprint.as_ref() == Some(&print))
    }

    /// The value of a key of `source`, if it is text.
    pub fn source_text(&self, key: &str) -> Option<&str> {
        match &self.source.as_ref()?.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Six digits behind the point, never less than what was proved.
fn rounded_up(rate: f64) -> f64 {
    ((rate * 1e6 - 1e-6).ceil() / 1e6).clamp(0.0, 1.0)
}

fn count(node: &Node) -> Option<u64> {
    match node.value {
        Value::Integer(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

fn number(node: &Node) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "rates are small")]
    match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) if number.is_finite() => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::write::flow;
    use crate::document::{Problems, parse};

    #[test]
    fn evidence_reads_back_in_one_order() {
        let evidence = Evidence {
            window: Some("2026-09-01/2026-09-14".to_owned()),
            rows: 60_000,
            violations: 3,
            fpr_upper95: 0.000_146_9,
            folds: vec![(32_768, 1), (27_232, 2)],
            caught: vec![
                ("missing".to_owned(), 0.0),
                ("wrong_unit".to_owned(), 0.998),
            ],
            fingerprint: Some("ab".repeat(32)),
            seed: Some(7),
        };
        let text = flow(&evidence.node());
        assert_eq!(
            text,
            format!(
                "{{window: 2026-09-01/2026-09-14, rows: 60000, violations: 3, fpr_upper95: 0.000147, folds: {{rows: [32768, 27232], violations: [1, 2]}}, caught: {{missing: 0.0, wrong_unit: 1.0}}, fingerprint: {}, seed: 7}}",
                "ab".repeat(32)
            )
        );
        let node = parse("f", &text, &mut Problems::new()).expect("a map");
        let back = Evidence::read(&node).expect("evidence");
        assert_eq!(flow(&back.node()), text);
        assert_eq!(rounded_up(0.000_5), 0.000_5);
        for other in [
            "{}",
            "by hand",
            "{rows: many, violations: 1, fpr_upper95: 0.1}",
            "{rows: 1}",
        ] {
            let node = parse("f", other, &mut Problems::new()).expect(other);
            assert_eq!(Evidence::read(&node), None, "{other}");
        }
    }
}
