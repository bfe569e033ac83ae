//! The schema of a stream and the verbs a stage speaks to it once, when its plan is compiled.
//!
//! [`StreamSchema`] keeps the catalog's own JSON Schema and changes only the properties that a verb
//! names. Types ([`LogicalType`]), the rewritten schema and the lineage all come from the same verbs.
//! Where nothing is declared (no catalog, objects without declared keys) any path resolves, to
//! `Unknown`; a path that a verb removed does not.

mod edit;
mod gone;
pub mod json_schema;
mod keys;
mod kind;
mod lineage;
mod missing;
pub mod path;
mod resolve;
pub mod types;

use serde_json::{Map, Value};

pub use kind::{JsonKind, is_integral, kind_of};
pub use lineage::{Lineage, Sifting};
pub use missing::{Exists, Missing, RenameError};
pub use types::{Field, LogicalType};

use crate::error::{Error, ErrorKind, Result};
use gone::Gone;
use lineage::Ledger;
use path::{Path, Segment};

/// The columns of a stream as they are after the verbs spoken so far.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSchema {
    schema: Value,
    columns: Vec<Field>,
    known: bool,
    gone: Gone,
    ledger: Ledger,
}

impl StreamSchema {
    /// The schema of a stream from its `json_schema`. One that declares no columns is taken as it is
    /// and leaves every path open, as [`Self::unknown`] does.
    ///
    /// # Errors
    /// [`ErrorKind::Catalog`] when it is no JSON object or nests too deep.
    pub fn from_json_schema(schema: &Value) -> Result<Self> {
        match schema {
            Value::Object(_) | Value::Null | Value::Bool(true) => {}
            _ => {
                return Err(Error::new(
                    ErrorKind::Catalog,
                    "`json_schema` is not a JSON object",
                ));
            }
        }
        let columns = read_columns(schema)?;
        Ok(Self {
            schema: schema.clone(),
            known: !columns.is_empty(),
            columns,
            gone: Gone::default(),
            ledger: Ledger::default(),
        })
    }

    /// The schema of a stream without a catalog.
    pub fn unknown() -> Self {
        Self {
            schema: Value::Object(Map::new()),
            columns: Vec::new(),
            known: false,
            gone: Gone::default(),
            ledger: Ledger::default(),
        }
    }

    /// Whether the catalog declared columns, so that a name it lacks is a mistake.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// The type of what `path` leads to. A path that leads to several values gives the union of their
    /// types; `*` at the end means the scalars below, at any depth.
    ///
    /// # Errors
    /// [`Missing`] when the schema rules out that anything lies there.
    pub fn resolve(&self, path: &Path) -> Result<LogicalType, Missing> {
        if let Some(to) = self.gone.left(path) {
            return Err(Missing {
                path: path.clone(),
                nearest: to.map(|to| to.to_string()),
                available: Vec::new(),
            });
        }
        resolve::resolve(&self.columns, !self.known, path)
    }

    /// The declared top-level columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &LogicalType)> {
        self.columns
            .iter()
            .map(|column| (column.name.as_str(), &column.ty))
    }

    /// Every declared value without declared parts, in order. A union is one leaf.
    pub fn leaves(&self) -> Vec<(Path, LogicalType)> {
        resolve::leaves(&self.columns)
    }

    /// Adds a top-level column computed from others.
    ///
    /// # Errors
    /// [`Exists`] when the name is taken.
    pub fn add(
        &mut self,
        name: &str,
        ty: LogicalType,
        from: &[Path],
        by: &str,
    ) -> Result<(), Exists> {
        self.insert(name, ty.clone(), json_schema::to_schema(&ty), from, by)
    }

    /// Adds a top-level column with a JSON Schema of its own, which says more than a type can.
    ///
    /// # Errors
    /// [`Exists`] when the name is taken.
    pub fn add_as(
        &mut self,
        name: &str,
        schema: Value,
        from: &[Path],
        by: &str,
    ) -> Result<(), Exists> {
        let ty = json_schema::logical_type(&schema).unwrap_or(LogicalType::Unknown);
        self.insert(name, ty, schema, from, by)
    }

    fn insert(
        &mut self,
        name: &str,
        ty: LogicalType,
        schema: Value,
        from: &[Path],
        by: &str,
    ) -> Result<(), Exists> {
        let path = Path::key(name);
        if self.columns.iter().any(|column| column.name == name) {
            return Err(Exists { path });
        }
        edit::append(&mut self.schema, name, schema);
        self.ledger.add(&path, from, by);
        self.gone.back(&path);
        self.columns.push(Field {
            name: name.to_owned(),
            ty,
            required: false,
        });
        Ok(())
    }

    /// Changes the values at a path: to another type, or within their own (`None`, which leaves the
    /// schema as it is). A path that ends in `*` changes the scalars below and no others. A new type
    /// keeps titles, descriptions and unknown keywords; constraints and defaults end with the old type.
    ///
    /// # Errors
    /// [`Missing`] when nothing can lie at the path.
    pub fn rewrite(
        &mut self,
        path: &Path,
        ty: Option<LogicalType>,
        by: &str,
        masking: bool,
    ) -> Result<(), Missing> {
        self.resolve(path)?;
        let whole = ty.is_some() && path.segments().last() != Some(&Segment::Any);
        if let Some(ty) = ty {
            edit::retype_at(&mut self.schema, path.segments(), &ty);
            self.refresh(path);
        }
        self.ledger.touch(path, by, masking, whole);
        Ok(())
    }

    /// Gives a column another name within the same object; its place and its entry in `required` stay.
    ///
    /// # Errors
    /// [`RenameError`] when the column does not exist, the name is taken, or the path ends in no key.
    pub fn rename(&mut self, path: &Path, to: &str) -> Result<(), RenameError> {
        let Some((Segment::Key(name), parents)) = path.segments().split_last() else {
            return Err(RenameError::Unnamed(path.clone()));
        };
        self.resolve(path)?;
        let target = path.with_leaf(to);
        if resolve::declares(&self.columns, &target) {
            return Err(Exists { path: target }.into());
        }
        edit::rename_at(&mut self.schema, parents, name, to);
        if parents.is_empty() {
            for column in self
                .columns
                .iter_mut()
                .filter(|column| column.name == *name)
            {
                to.clone_into(&mut column.name);
            }
        } else {
            self.refresh(path);
        }
        self.gone.renamed(path, &target);
        self.ledger.rename(path, &target, "rename");
        Ok(())
    }

    /// Removes a column, or with a last `*` all keys of an object. Elements of an array (`a[]`) have no
    /// property of their own: the array stays declared.
    ///
    /// # Errors
    /// [`Missing`] when nothing can lie at the path.
    pub fn remove(&mut self, path: &Path) -> Result<(), Missing> {
        self.resolve(path)?;
        match path.segments().split_last() {
            Some((Segment::Key(name), parents)) => {
                edit::remove_at(&mut self.schema, parents, Some(name));
            }
            Some((Segment::Any, parents)) => edit::remove_at(&mut self.schema, parents, None),
            _ => {}
        }
        match path.segments() {
            [Segment::Key(name)] => self.columns.retain(|column| column.name != *name),
            _ => self.refresh(path),
        }
        self.ledger.remove(path);
        self.gone.removed(path);
        Ok(())
    }

    /// The JSON Schema as the destination must see it: the original with only the touched properties
    /// changed.
    pub fn to_json_schema(&self) -> Value {
        self.schema.clone()
    }

    /// Where each declared column, and each touched part of one, comes from.
    pub fn lineage(&self) -> Vec<Lineage> {
        self.ledger.lines(self.columns().map(|(name, _)| name))
    }

    /// Whether the catalog or a verb names what lies at a path.
    pub fn declares(&self, path: &Path) -> bool {
        resolve::declares(&self.columns, path)
    }

    /// Where what lies at a path comes from, whether anything touched it or not.
    pub fn origin(&self, path: &Path) -> Lineage {
        self.ledger.origin(path)
    }

    /// Where something computed from columns of these names comes from; it becomes no column of this schema.
    pub fn made_of(&self, name: &str, from: &[Path], by: &str) -> Lineage {
        self.ledger.made(&Path::key(name), from, by)
    }

    /// Whether a row leaves, or where to, depends on these columns.
    pub fn sift(&mut self, columns: &[Path], by: &str) {
        self.ledger.sift(columns, by);
    }

    /// What rows were sifted by, in the order of the stages.
    pub fn sifted(&self) -> &[Sifting] {
        self.ledger.sifted()
    }

    /// Reads the columns again that a change at `path` may have touched.
    fn refresh(&mut self, path: &Path) {
        let Some(top) = path.top() else {
            // The changed schema was read before; what a verb wrote is never deeper than allowed.
            self.columns = read_columns(&self.schema).unwrap_or_default();
            return;
        };
        let schema = self.schema.get("properties").and_then(|all| all.get(top));
        if let (Some(column), Some(schema)) = (
            self.columns.iter_mut().find(|column| column.name == top),
            schema,
        ) {
            column.ty = json_schema::logical_type(schema).unwrap_or(LogicalType::Unknown);
        }
    }
}

fn read_columns(schema: &Value) -> Result<Vec<Field>> {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return Ok(Vec::new());
    };
    let required = json_schema::required(schema.get("required"));
    let mut columns = Vec::with_capacity(properties.len());
    for (name, property) in properties {
        let ty = json_schema::logical_type(property).map_err(|error| {
            let here = Error::new(
                error.kind(),
                format!("column `{}`: {}", Path::key(name), error.message()),
            );
            match error.advice() {
                Some(advice) => here.hint(advice),
                None => here,
            }
        })?;
        columns.push(Field {
            name: name.clone(),
            ty,
            required: required.contains(name.as_str()),
        });
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The names of Airbyte's own naming test stream, and worse ones.
    const NAMES: [&str; 14] = [
        "CamelCaseColumn",
        "camelcasecolumn",
        "column-with-dashes",
        "column.with.dots",
        "column with spaces",
        "select",
        "123_leading_digit",
        "",
        "*",
        "[]",
        "a[]",
        "\"quoted\"",
        "`tick",
        "naïve ☃",
    ];

    const USERS: &str = r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","x":[1.10],
        "required":["id","email"],
        "properties":{
            "id":{"type":"integer"},
            "email":{"type":["null","string"],"description":"d","maxLength":9,"order":2},
            "address":{"type":["null","object"],"title":"A","required":["city"],"properties":{
                "street":{"type":"string"},"city":{"type":"string","format":"x"},"geo":{"type":"object","properties":{"lat":{"type":"number"}}}}},
            "items":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"},"qty":{"type":"integer"}}}},
            "either":{"oneOf":[{"type":"object","properties":{"key":{"type":"string"}}},{"type":"boolean"}]},
            "meta":{"type":"object"},
            "tags":{"type":"array"},
            "any":{},
            "column.with.dots":{"type":"string"}},
        "additionalProperties":true}"#;

    fn users() -> StreamSchema {
        StreamSchema::from_json_schema(&serde_json::from_str(USERS).expect("JSON"))
            .expect("a schema")
    }

    fn path(text: &str) -> Path {
        text.parse().expect(text)
    }

    /// The text of the users' schema after textual replacements.
    fn edited(replacements: &[(&str, &str)]) -> String {
        let compact = serde_json::from_str::<Value>(USERS)
            .expect("JSON")
            .to_string();
        replacements.iter().fold(compact, |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, to)
        })
    }

    #[test]
    fn untouched_it_is_the_original() {
        let mut schema = users();
        assert_eq!(schema.to_json_schema().to_string(), edited(&[]));
        schema
            .rewrite(&path("email"), None, "mask", true)
            .expect("a column");
        schema
            .rewrite(&path("address.*"), None, "mask", true)
            .expect("columns");
        assert_eq!(schema.to_json_schema().to_string(), edited(&[]));
    }

    #[test]
    fn paths_resolve_through_objects_arrays_unions_and_what_is_open() {
        let schema = users();
        for (text, name) in [
            ("id", "integer"),
            ("address", "object"),
            ("address.geo.lat", "number"),
            ("address.*", "string or number"),
            ("address.*.lat", "number"),
            ("items", "array of object"),
            ("items[]", "object"),
            ("items[].qty", "integer"),
            ("items[].*", "string or integer"),
            ("either.key", "string"),
            ("either.*", "string"),
            ("meta.anything[].below", "unknown"),
            ("tags[].x", "unknown"),
            ("any[].x", "unknown"),
            ("any.x", "unknown"),
            ("\"column.with.dots\"", "string"),
        ] {
            assert_eq!(
                schema.resolve(&path(text)).expect(text).name(),
                name,
                "{text}"
            );
        }
        assert_eq!(schema.resolve(&path("*")), Ok(LogicalType::Unknown));
    }

    #[test]
    fn a_path_that_leads_nowhere_names_the_nearest() {
        let schema = users();
        for (text, nearest) in [
            ("emial", Some("email")),
            ("EMAIL", Some("email")),
            ("adress.city", Some("address.city")),
            ("address.citty", Some("address.city")),
            ("items.sku", Some("items[].sku")),
            ("email[]", Some("email")),
            ("address[].city", Some("address.city")),
            ("column.with.dots", Some("\"column.with.dots\"")),
            ("lat", Some("address.geo.lat")),
            ("qty", Some("items[].qty")),
            ("nothing_like_it", None),
            ("email.domain", None),
            ("email.*", None),
            ("meta[]", Some("meta")),
            ("tags.x", Some("tags[].x")),
        ] {
            let missing = schema.resolve(&path(text)).expect_err(text);
            assert_eq!(missing.nearest.as_deref(), nearest, "{text}");
        }
        let missing = schema
            .resolve(&path("zzzzzzz"))
            .expect_err("no such column");
        assert_eq!(missing.available.len(), missing::LISTED);
        let missing = schema
            .resolve(&path("address.zzzzzzz"))
            .expect_err("no such key");
        assert_eq!(missing.available, ["street", "city", "geo"]);
    }

    #[test]
    fn without_a_catalog_every_path_is_open() {
        let mut schema = StreamSchema::unknown();
        assert!(!schema.is_known() && schema.columns().next().is_none());
        for text in ["a", "a.b[].c", "*", "a.*"] {
            assert_eq!(
                schema.resolve(&path(text)),
                Ok(LogicalType::Unknown),
                "{text}"
            );
        }
        schema
            .rewrite(&path("a.b"), Some(LogicalType::String), "mask", true)
            .expect("open");
        schema.rename(&path("a"), "c").expect("open");
        let missing = schema.resolve(&path("a.b")).expect_err("renamed");
        assert_eq!(missing.nearest.as_deref(), Some("c.b"));
        schema.remove(&path("d")).expect("open");
        assert!(schema.resolve(&path("d")).is_err());
        schema
            .add("d", LogicalType::Integer, &[path("c.b")], "derive")
            .expect("free again");
        assert_eq!(schema.resolve(&path("d")), Ok(LogicalType::Integer));
        assert_eq!(
            schema.to_json_schema(),
            json!({"properties": {"d": {"type": ["null", "integer"]}}})
        );
        let lineage = schema.lineage();
        assert_eq!(lineage[0].inputs, [path("a.b")]);
        assert!(lineage[0].masking);
        for open in [
            json!({}),
            json!(true),
            json!(null),
            json!({"type": "object"}),
        ] {
            let schema = StreamSchema::from_json_schema(&open).expect("open");
            assert!(!schema.is_known());
            assert_eq!(schema.to_json_schema(), open);
        }
        assert!(StreamSchema::from_json_schema(&json!("x")).is_err());
    }

    #[test]
    fn a_rewrite_changes_one_property() {
        let mut schema = users();
        schema
            .rewrite(&path("email"), Some(LogicalType::Integer), "cast", false)
            .expect("there");
        schema
            .rewrite(
                &path("items[].qty"),
                Some(LogicalType::String),
                "mask",
                true,
            )
            .expect("there");
        schema
            .rewrite(
                &path("address.geo.*"),
                Some(LogicalType::String),
                "mask",
                true,
            )
            .expect("there");
        let expected = edited(&[
            (
                r#"{"type":["null","string"],"description":"d","maxLength":9,"order":2}"#,
                r#"{"type":["null","integer"],"description":"d","order":2}"#,
            ),
            (
                r#""qty":{"type":"integer"}"#,
                r#""qty":{"type":["null","string"]}"#,
            ),
            (
                r#""lat":{"type":"number"}"#,
                r#""lat":{"type":["null","string"]}"#,
            ),
        ]);
        assert_eq!(schema.to_json_schema().to_string(), expected);
        assert_eq!(
            schema.resolve(&path("items[].qty")),
            Ok(LogicalType::String)
        );
        assert_eq!(
            schema.resolve(&path("address.geo.lat")),
            Ok(LogicalType::String)
        );
        assert_eq!(schema.resolve(&path("email")), Ok(LogicalType::Integer));
        schema
            .rewrite(&path("*"), Some(LogicalType::String), "mask", true)
            .expect("there");
        let left: Vec<String> = schema.leaves().iter().map(|(_, ty)| ty.name()).collect();
        assert_eq!(left.len(), 12);
        assert_eq!(
            left.iter().filter(|name| *name == "string").count(),
            8,
            "{left:?}"
        );
    }

    #[test]
    fn a_rename_keeps_place_and_required() {
        let mut schema = users();
        schema.rename(&path("email"), "e.mail").expect("free");
        schema.rename(&path("address.city"), "town").expect("free");
        schema.rename(&path("items[].sku"), "code").expect("free");
        schema.rename(&path("either.key"), "k").expect("free");
        schema.rename(&path("meta.inside"), "out").expect("open");
        let expected = edited(&[
            (r#"["id","email"]"#, r#"["id","e.mail"]"#),
            (r#""email":{"#, r#""e.mail":{"#),
            (r#""city":{"#, r#""town":{"#),
            (r#"["city"]"#, r#"["town"]"#),
            (r#""sku""#, r#""code""#),
            (r#""key""#, r#""k""#),
        ]);
        assert_eq!(schema.to_json_schema().to_string(), expected);
        let names: Vec<&str> = schema.columns().map(|(name, _)| name).collect();
        assert_eq!(names[..3], ["id", "e.mail", "address"]);
        assert_eq!(
            schema.resolve(&path("items[].code")),
            Ok(LogicalType::String)
        );
        for (from, to) in [("id", "e.mail"), ("id", "id"), ("address.town", "street")] {
            assert!(
                matches!(schema.rename(&path(from), to), Err(RenameError::Exists(_))),
                "{from}"
            );
        }
        let gone = schema.rename(&path("email"), "x").expect_err("gone");
        assert!(
            matches!(&gone, RenameError::Missing(m) if m.nearest.as_deref() == Some("\"e.mail\""))
        );
        assert!(schema.resolve(&path("meta.inside")).is_err());
        for unnamed in ["items[]", "address.*"] {
            let error = schema.rename(&path(unnamed), "x").expect_err(unnamed);
            assert!(matches!(error, RenameError::Unnamed(_)));
        }
    }

    #[test]
    fn a_removal_takes_the_requirement_along() {
        let mut schema = users();
        schema.remove(&path("email")).expect("there");
        schema.remove(&path("address.city")).expect("there");
        schema.remove(&path("either.*")).expect("there");
        schema.remove(&path("meta.secret")).expect("open");
        let expected = edited(&[
            (r#"["id","email"]"#, r#"["id"]"#),
            (
                r#""email":{"type":["null","string"],"description":"d","maxLength":9,"order":2},"#,
                "",
            ),
            (r#""city":{"type":"string","format":"x"},"#, ""),
            (r#"["city"]"#, "[]"),
            (
                r#""properties":{"key":{"type":"string"}}"#,
                r#""properties":{}"#,
            ),
        ]);
        assert_eq!(schema.to_json_schema().to_string(), expected);
        for gone in [
            "email",
            "address.city",
            "either.key",
            "meta.secret",
            "meta.secret.x",
        ] {
            assert!(schema.resolve(&path(gone)).is_err(), "{gone}");
        }
        assert!(schema.resolve(&path("meta.other")).is_ok());
        assert!(schema.remove(&path("email")).is_err());
        for name in ["id", "address", "items", "either", "meta", "tags", "any"] {
            schema.remove(&path(name)).expect(name);
        }
        schema.remove(&path("\"column.with.dots\"")).expect("there");
        assert!(schema.is_known() && schema.columns().next().is_none());
        assert!(schema.resolve(&path("other")).is_err());
    }

    #[test]
    fn an_added_column_comes_last() {
        let mut schema = users();
        let ty = LogicalType::Array(Some(Box::new(LogicalType::Number)));
        let from = [path("email")];
        schema
            .add("vector", ty.clone(), &from, "embed")
            .expect("free");
        assert_eq!(
            schema.add("id", ty.clone(), &from, "embed"),
            Err(Exists { path: path("id") })
        );
        assert_eq!(schema.columns().last(), Some(("vector", &ty)));
        let added = r#""column.with.dots":{"type":"string"},"vector":{"type":["null","array"],"items":{"type":["null","number"]}}}"#;
        let expected = edited(&[(r#""column.with.dots":{"type":"string"}}"#, added)]);
        assert_eq!(schema.to_json_schema().to_string(), expected);
    }

    #[test]
    fn any_name_is_a_name() {
        let properties: Map<String, Value> = NAMES
            .iter()
            .map(|name| ((*name).to_owned(), json!({"type": "integer"})))
            .collect();
        let original = json!({"properties": properties});
        let mut schema = StreamSchema::from_json_schema(&original).expect("a schema");
        for name in NAMES {
            let column = path(&Path::key(name).to_string());
            assert_eq!(column, Path::key(name));
            schema
                .rewrite(&column, Some(LogicalType::Date), "mask", true)
                .expect(name);
            assert_eq!(schema.resolve(&column), Ok(LogicalType::Date), "{name}");
            schema.rename(&column, &format!("{name}!")).expect(name);
            assert!(schema.resolve(&column).is_err(), "{name}");
            schema
                .rename(&Path::key(format!("{name}!")), name)
                .expect(name);
            assert_eq!(schema.resolve(&column), Ok(LogicalType::Date), "{name}");
        }
        let names: Vec<&str> = schema.columns().map(|(name, _)| name).collect();
        assert_eq!(names, NAMES);
        assert!(
            schema
                .lineage()
                .iter()
                .all(|line| line.masking && line.inputs == [line.column.clone()])
        );
    }

    #[test]
    fn a_schema_too_deep_names_its_column() {
        let deep = (0..70).fold(
            json!({}),
            |inner, _| json!({"type": "array", "items": inner}),
        );
        let error = StreamSchema::from_json_schema(&json!({"properties": {"a.b": deep}}))
            .expect_err("too deep");
        assert_eq!(error.kind(), ErrorKind::Catalog);
        assert!(error.message().starts_with("column `\"a.b\"`"), "{error}");
    }
}
