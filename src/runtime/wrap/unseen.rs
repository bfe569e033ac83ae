//! What would leave a wrapped source without passing here, and is refused: nothing leaves that the policy cannot be
//! applied to.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::catalog::ConfiguredCatalog;

/// How the platform says which way records take.
const MEDIUM: &str = "DATA_CHANNEL_MEDIUM";

/// Refuses sockets between source and destination, and streams whose files are copied beside their records.
///
/// # Errors
/// `Config` for both.
pub(super) fn refuse(catalog: &ConfiguredCatalog) -> Result<()> {
    let medium = std::env::var(MEDIUM).unwrap_or_default();
    sockets(&medium)?;
    files(&catalog.to_json())
}

fn sockets(medium: &str) -> Result<()> {
    if !medium.eq_ignore_ascii_case("SOCKET") {
        return Ok(());
    }
    let message = format!("{MEDIUM} is SOCKET: records would go to the destination past midflight");
    Err(Error::new(ErrorKind::Config, message).hint(
        "use a custom definition, which Airbyte gives no sockets, or take the options for sockets out of the definition",
    ))
}

fn files(catalog: &Value) -> Result<()> {
    let streams = catalog["streams"].as_array();
    let copies = |stream: &&Value| stream["include_files"] == Value::Bool(true);
    let Some(stream) = streams.into_iter().flatten().find(copies) else {
        return Ok(());
    };
    let name = stream["stream"]["name"].as_str().unwrap_or_default();
    let message = format!(
        "stream `{name}`: its files would be copied to the destination without being looked at"
    );
    Err(Error::new(ErrorKind::Config, message)
        .hint("leave the files of this stream out of the connection, or take them with the source as it is"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sockets_are_refused_in_every_spelling_and_pipes_are_not() {
        for medium in ["SOCKET", "socket"] {
            assert!(sockets(medium).is_err_and(|error| error.kind() == ErrorKind::Config));
        }
        for medium in ["", "STDIO"] {
            assert!(sockets(medium).is_ok());
        }
    }

    #[test]
    fn files_are_refused_where_they_are_asked_for() {
        let catalog = |include: Value| json!({"streams": [{"stream": {"name": "a"}}, {"stream": {"name": "docs"}, "include_files": include}]});
        let error = files(&catalog(json!(true))).expect_err("files");
        assert!(error.to_string().contains("`docs`"), "{error}");
        for without in [json!(false), Value::Null] {
            assert!(files(&catalog(without)).is_ok());
        }
    }
}
