//! Metrics in Prometheus's text format, version 0.0.4.

use std::fmt::Write;

use super::family::{Family, Number, Shape};

/// The type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The families as text. One without samples is not written.
pub fn text(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        let (suffix, shape) = match family.shape {
            Shape::Counter => ("_total", "counter"),
            Shape::Gauge => ("", "gauge"),
        };
        let name = format!("{}{suffix}", family.name.replace('.', "_"));
        let _ = writeln!(text, "# HELP {name} {}", escaped(family.help, false));
        let _ = writeln!(text, "# TYPE {name} {shape}");
        for sample in &family.samples {
            text.push_str(&name);
            for (at, (label, value)) in sample.labels.iter().enumerate() {
                let before = if at == 0 { '{' } else { ',' };
                let _ = write!(text, "{before}{label}=\"{}\"", escaped(value, true));
            }
            if !sample.labels.is_empty() {
                text.push('}');
            }
            let _ = match sample.value {
                Number::Whole(count) => writeln!(text, " {count}"),
                Number::Real(value) => writeln!(text, " {value}"),
            };
        }
    }
    text
}

fn escaped(text: &str, quoted: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quoted => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Sample;

    #[test]
    fn names_values_and_labels_are_written_as_they_are_read() {
        let families = [
            Family {
                name: "midflight.records.read",
                help: "Records \\ read.",
                unit: "",
                shape: Shape::Counter,
                samples: vec![Sample {
                    labels: vec![
                        ("stream", "a\"b\\c\nd".to_owned()),
                        ("kind", "é".to_owned()),
                    ],
                    value: Number::Whole(u64::MAX),
                }],
            },
            Family {
                name: "midflight.run.seconds",
                help: "S.",
                unit: "s",
                shape: Shape::Gauge,
                samples: vec![Sample {
                    labels: Vec::new(),
                    value: Number::Real(0.25),
                }],
            },
        ];
        assert_eq!(
            text(&families),
            "# HELP midflight_records_read_total Records \\\\ read.\n\
             # TYPE midflight_records_read_total counter\n\
             midflight_records_read_total{stream=\"a\\\"b\\\\c\\nd\",kind=\"é\"} 18446744073709551615\n\
             # HELP midflight_run_seconds S.\n\
             # TYPE midflight_run_seconds gauge\n\
             midflight_run_seconds 0.25\n"
        );
    }
}
