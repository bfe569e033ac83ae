//! Buckets and folders as places of datasets, by OpenLineage's conventions for their names.
//!
//! A bucket is a namespace, and a key in it a name; folders of this machine lie in the namespace `file`.

use std::collections::BTreeMap;

use crate::lineage::Place;
use crate::plan::Plan;
use crate::protocol::state::Descriptor;
use crate::runtime::batch::Source;
use crate::runtime::stage::Stage;

/// The namespace of files.
const FILES: &str = "file";

/// Where a stage keeps the streams of a plan.
pub fn of_stage(stage: &Stage, plan: &Plan) -> Place {
    let streams = (0..plan.streams()).map(|id| plan.stream(id));
    let named = streams.flat_map(|stream| {
        let second = stream.second.as_ref().map(|second| Descriptor {
            namespace: stream.descriptor.namespace.clone(),
            name: second.name.clone(),
        });
        [Some(stream.descriptor.clone()), second]
    });
    let folders = named.flatten().map(|stream| {
        let folder = stage.folder_of(&(&stream).into());
        (stream, (divided(&folder).1, None))
    });
    Place {
        namespace: divided(&stage.bucket().url()).0,
        folders: folders.collect(),
    }
}

/// Where the objects of a batch lie: for each stream, the folder around all of its files.
pub fn of_source(source: &Source) -> Place {
    let mut folders: BTreeMap<Descriptor, (String, Option<u64>)> = BTreeMap::new();
    for (object, stream) in &source.objects {
        let key = divided(&object.url).1;
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        match folders.get_mut(stream) {
            Some((known, files)) => {
                *known = shared(known, folder).to_owned();
                *files = files.map(|files| files + 1);
            }
            None => {
                folders.insert(stream.clone(), (folder.to_owned(), Some(1)));
            }
        }
    }
    for (stream, (folder, _)) in &mut folders {
        // Streams whose files lie beside each other are no single dataset.
        if folder.is_empty() {
            *folder = stream.to_string();
        }
    }
    Place {
        namespace: divided(&source.bucket.url()).0,
        folders,
    }
}

/// The folders that both paths begin with.
fn shared<'a>(one: &'a str, other: &str) -> &'a str {
    let mut end = 0;
    let mut others = other.split('/');
    for folder in one.split('/') {
        if others.next() != Some(folder) {
            break;
        }
        end += folder.len() + 1;
    }
    &one[..end.saturating_sub(1).min(one.len())]
}

/// A URL as namespace and name.
fn divided(url: &str) -> (String, String) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (FILES.to_owned(), url.to_owned());
    };
    let (root, key) = rest.split_once('/').unwrap_or((rest, ""));
    (
        format!("{scheme}://{root}"),
        key.trim_matches('/').to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_namespace_and_a_key_a_name() {
        let told = |url: &str| divided(url);
        let owned = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
        assert_eq!(told("s3://b/a/users"), owned("s3://b", "a/users"));
        assert_eq!(told("gs://b"), owned("gs://b", ""));
        assert_eq!(
            told("abfss://c@a.dfs.core.windows.net/x/"),
            owned("abfss://c@a.dfs.core.windows.net", "x")
        );
        assert_eq!(
            told("/data/stage/users"),
            owned("file", "/data/stage/users")
        );
    }

    #[test]
    fn files_of_a_stream_share_a_folder() {
        assert_eq!(shared("a/b/c", "a/b/d"), "a/b");
        assert_eq!(shared("a/b", "a/b"), "a/b");
        assert_eq!(shared("a/b", "a/bc"), "a");
        assert_eq!(shared("/a/b", "/a"), "/a");
        assert_eq!(shared("a", "b"), "");
    }
}
