//! `midflight audit`

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::args::{Audit, AuditAction, Format};
use super::output;
use crate::audit::{Anchor, Verified};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::audit;

pub(super) fn run(arguments: &Audit) -> Result<()> {
    match &arguments.action {
        AuditAction::Verify {
            file,
            head,
            records,
            format,
        } => {
            let head = head.as_deref().map(hash).transpose()?;
            let anchor = Anchor {
                head,
                records: *records,
            };
            verify(file, anchor, *format)
        }
        AuditAction::Mend { file } => mend(file),
    }
}

fn verify(file: &Path, anchor: Anchor, format: Format) -> Result<()> {
    let found = audit::verify(file, anchor)?;
    output::result(&match format {
        Format::Text => text(file, &found),
        Format::Json => json(&found),
    })?;
    if found.holds() {
        return Ok(());
    }
    let message = format!("{}: the chain does not hold", file.display());
    Err(Error::new(ErrorKind::Limit, message))
}

fn text(file: &Path, found: &Verified) -> String {
    let mut text = String::new();
    for fault in &found.faults {
        let _ = writeln!(text, "{}: {fault}", file.display());
    }
    if found.left_out > 0 {
        let _ = writeln!(text, "and {} more faults", found.left_out);
    }
    let _ = write!(
        text,
        "{}: {} records, the last sha256:{}",
        file.display(),
        found.head.records,
        found.head.hash
    );
    text
}

fn json(found: &Verified) -> String {
    let faults: Vec<Value> = found
        .faults
        .iter()
        .map(|fault| {
            let mut value = json!(fault.kind);
            value["line"] = json!(fault.line);
            value["message"] = json!(fault.to_string());
            value
        })
        .collect();
    let value = json!({
        "holds": found.holds(),
        "records": found.head.records,
        "head": found.head.hash,
        "lines": found.lines,
        "faults": faults,
        "faults_left_out": found.left_out,
    });
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

fn mend(file: &Path) -> Result<()> {
    if !file.exists() {
        let message = format!("{} is not there", file.display());
        return Err(Error::new(ErrorKind::Input, message));
    }
    output::result(&match audit::mend(file)? {
        Some(head) => format!(
            "{}: the torn line is cut off; {} records, the last sha256:{}",
            file.display(),
            head.records,
            head.hash
        ),
        None => format!("{}: the last line is whole", file.display()),
    })
}

/// The hash as it stands in lines; `sha256:` may stand before it.
fn hash(text: &str) -> Result<String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::new(ErrorKind::Usage, "`--head` is 64 hex digits")
            .hint("`midflight audit verify` prints it, and report.json holds it"));
    }
    Ok(hex.to_ascii_lowercase())
}
