//! A page as HTML.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use sha2::{Digest, Sha256};

use super::Page;
use crate::error::{Error, ErrorKind, Result};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const TEMPLATES: [(&str, &str); 3] = [
    ("page.html", include_str!("page.html")),
    ("stream.html", include_str!("stream.html")),
    ("macros.html", include_str!("macros.html")),
];

impl Page {
    /// The page as one HTML document.
    ///
    /// # Errors
    /// `Internal` when the templates do not fit the page.
    pub fn html(&self) -> Result<String> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        for (name, text) in TEMPLATES {
            environment.add_template(name, text).map_err(defect)?;
        }
        let values = context! {
            page => Value::from_serialize(self),
            style => Value::from_safe_string(STYLE.to_owned()),
            script => Value::from_safe_string(SCRIPT.to_owned()),
            policy => policy(),
        };
        let template = environment.get_template("page.html").map_err(defect)?;
        template.render(values).map_err(defect)
    }
}

/// What a browser may do for the page: nothing but apply this style and run this script.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn defect(error: minijinja::Error) -> Error {
    Error::new(ErrorKind::Internal, "the page's template does not fit").because(error)
}
