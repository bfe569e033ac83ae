//! `midflight drift`

use std::path::Path;

use super::args::{Drift, DriftDialect, Format};
use super::output;
use crate::document::{Problems, nearest};
use crate::drift::ddl::{Dialect, Tables};
use crate::drift::{self, Shape, Told};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::config::{ANSWERS, Answer, Class, Config, DriftPolicy, PERSONAL};
use crate::profile::form::{Profile, VERSION};
use crate::protocol::catalog::{ConfiguredCatalog, MAX_BYTES};

pub(super) fn run(arguments: &Drift) -> Result<()> {
    let config = arguments.config.as_deref().map(config).transpose()?;
    let policies: Vec<_> = arguments
        .policy
        .iter()
        .map(|text| policy(text))
        .collect::<Result<_>>()?;
    let before = side(&arguments.before)?;
    let mut now = Shape::of_catalog(&catalog(&arguments.now)?)?;
    if let Some(profiled) = &arguments.profile_now {
        now.measure(&profile(profiled, &read(profiled)?)?)?;
    }
    let mut changes = drift::compare(&before, &now)?;
    if let Some(config) = &config {
        drift::clear(&mut changes, config);
    }
    let decisions = drift::decide(changes, &|stream| {
        let asked = config.as_ref().and_then(|config| config.drift.as_ref());
        let mut policy = asked.map_or_else(DriftPolicy::default, |asked| {
            asked.policy_for(stream.namespace.as_deref(), &stream.name)
        });
        for (class, answer) in &policies {
            match class {
                Some(class) => policy.set(*class, *answer),
                None => policy.set_all(*answer),
            }
        }
        policy
    });
    let dialect = arguments.dialect.map(dialect);
    let tables = Tables {
        schema: arguments.schema.clone(),
        prefix: arguments.table_prefix.clone(),
    };
    let told: Vec<Told> = decisions
        .into_iter()
        .map(|decision| Told {
            statements: dialect
                .map_or_else(Vec::new, |dialect| dialect.statements(&decision, &tables)),
            decision,
        })
        .collect();
    output::result(&match arguments.format {
        Format::Text => drift::to_text(&told, dialect),
        Format::Json => {
            serde_json::to_string_pretty(&drift::to_json(&told, dialect)).unwrap_or_default()
        }
    })?;
    let held = told.iter().filter(|told| told.decision.stops()).count();
    if held > 0 {
        let message = match held {
            1 => "a change is not accepted".to_owned(),
            held => format!("{held} changes are not accepted"),
        };
        return Err(Error::new(ErrorKind::Drift, message)
            .hint("`--policy` or `drift:` in the configuration says what is done about them"));
    }
    Ok(())
}

fn dialect(dialect: DriftDialect) -> Dialect {
    match dialect {
        DriftDialect::Postgres => Dialect::Postgres,
        DriftDialect::Snowflake => Dialect::Snowflake,
        DriftDialect::Bigquery => Dialect::BigQuery,
        DriftDialect::Duckdb => Dialect::DuckDb,
    }
}

fn read(path: &Path) -> Result<String> {
    let unreadable = |error: std::io::Error| {
        let message = format!("{} cannot be read", path.display());
        Error::new(ErrorKind::Input, message).because(error)
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_BYTES as u64 {
        let message = format!(
            "{}: {length} bytes; at most {MAX_BYTES} are read",
            path.display()
        );
        return Err(Error::new(ErrorKind::Input, message));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// A catalog: configured, or as `discover` prints it.
fn catalog(path: &Path) -> Result<ConfiguredCatalog> {
    parsed(&read(path)?, &path.display().to_string())
}

fn parsed(text: &str, name: &str) -> Result<ConfiguredCatalog> {
    ConfiguredCatalog::parse(text, name).or_else(|error| {
        // The first error says what is wanted.
        ConfiguredCatalog::parse_discovered(text, name).map_err(|_| error)
    })
}

/// A catalog or a profile, by what the file holds.
fn side(path: &Path) -> Result<Shape> {
    let text = read(path)?;
    let head: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    match head.get("midflight").is_some() {
        true => Shape::of_profile(&profile(path, &text)?),
        false => Shape::of_catalog(&parsed(&text, &path.display().to_string())?),
    }
}

fn profile(path: &Path, text: &str) -> Result<Profile> {
    let wrong = |what: String| {
        Error::new(ErrorKind::Input, format!("{}: {what}", path.display()))
            .hint("`midflight profile` writes profiles")
    };
    // The reader's own sentence may quote a value.
    let profile: Profile = serde_json::from_str(text).map_err(|error| {
        wrong(format!(
            "line {}, column {}: this is no profile",
            error.line(),
            error.column()
        ))
    })?;
    match profile.version {
        VERSION => Ok(profile),
        other => Err(wrong(format!("version {other} of the format is not known"))),
    }
}

fn config(path: &Path) -> Result<Config> {
    let name = path.display().to_string();
    let mut problems = Problems::new();
    let config = Config::parse(&name, &read(path)?, &mut problems);
    problems.into_result()?;
    config.ok_or_else(|| Error::new(ErrorKind::Config, format!("{name}: it is empty")))
}

/// `ANSWER` or `CLASS=ANSWER`.
fn policy(text: &str) -> Result<(Option<Class>, Answer)> {
    const CLASSES: &[(&str, Class)] = &[
        ("safe", Class::Safe),
        ("risky", Class::Risky),
        ("breaking", Class::Breaking),
        ("keys", Class::Keys),
        ("personal", Class::Governance),
    ];
    let (class, answer) = match text.split_once('=') {
        Some((class, answer)) => (Some(word("class", class, CLASSES)?), answer),
        None => (None, text),
    };
    let words = match class {
        Some(Class::Governance) => PERSONAL,
        _ => ANSWERS,
    };
    Ok((class, word("answer", answer, words)?))
}

fn word<T: Copy>(what: &str, word: &str, words: &[(&str, T)]) -> Result<T> {
    let found = words.iter().find(|(name, _)| *name == word);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        let error = Error::new(
            ErrorKind::Usage,
            format!("--policy: unknown {what} `{word}`"),
        );
        error.hint(match nearest(word, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("valid are {}", names.join(", ")),
        })
    })
}
