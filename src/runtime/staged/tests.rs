//! Files of every kind, read as they lie in a directory.

#[cfg(test)]
mod avro;
#[cfg(test)]
mod csv;
#[cfg(test)]
mod json_lines;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod parquet;

use std::collections::BTreeMap;

use super::*;

/// A directory with one file, which is listed.
struct Staged {
    folder: tempfile::TempDir,
    bucket: Bucket,
    object: Object,
    stream: Descriptor,
}

impl Staged {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("public/users");
        std::fs::create_dir_all(&place).expect("folders");
        std::fs::write(place.join(name), bytes).expect("a file");
        let place = folder.path().to_string_lossy().into_owned();
        let bucket = Bucket::open(&place, &BTreeMap::new()).expect("a bucket");
        let pattern = Pattern::parse(&place).expect("a pattern");
        let mut found = list(&bucket, &pattern, None).expect("a list");
        assert_eq!(found.len(), 1, "{name}");
        let (object, stream) = found.remove(0);
        Self {
            folder,
            bucket,
            object,
            stream,
        }
    }

    fn open(&self, part: &Part, columns: Option<&[(String, LogicalType)]>) -> Result<Reader> {
        open(&self.bucket, &self.object, part, &self.stream, columns)
    }

    /// The lines of a part and their offsets, read in small steps.
    fn part(&self, part: &Part) -> Result<(Vec<String>, Vec<u64>)> {
        read(self.open(part, None)?)
    }

    /// The lines of the whole file, each without what is the same in all.
    fn rows(&self, columns: Option<&[(String, LogicalType)]>) -> Result<Vec<String>> {
        let (lines, _) = read(self.open(&Part::Whole, columns)?)?;
        let head = r#"{"type":"RECORD","record":{"stream":"users","namespace":"public","data":"#;
        let modified = self.object.modified.timestamp_millis().to_string();
        let row = |line: &String| {
            let row = line.strip_prefix(head).expect("the head of a record");
            let row = row.strip_suffix("}}").expect("its end");
            row.replace(&modified, "MODIFIED")
        };
        Ok(lines.iter().map(row).collect())
    }

    /// What is wrong with the file, without its name.
    fn wrong(&self, columns: Option<&[(String, LogicalType)]>) -> String {
        let error = match self.rows(columns) {
            Ok(rows) => panic!("it is read: {rows:?}"),
            Err(error) => error,
        };
        let text = error.to_string();
        let text = text
            .strip_prefix(&*self.object.url)
            .expect("the file's name");
        text.trim_start_matches(": ").to_owned()
    }
}

fn read(mut reader: Reader) -> Result<(Vec<String>, Vec<u64>)> {
    let (mut text, mut offsets) = (Vec::new(), Vec::new());
    while reader.read(&mut text, 100)? {
        offsets.extend_from_slice(reader.offsets());
    }
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'));
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), offsets.len());
    for line in &lines {
        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    }
    Ok((lines, offsets))
}

fn columns(declared: &[(&str, LogicalType)]) -> Columns {
    let column = |(name, ty): &(&str, LogicalType)| ((*name).to_owned(), ty.clone());
    declared.iter().map(column).collect()
}
