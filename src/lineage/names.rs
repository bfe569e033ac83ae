//! What jobs and datasets are called: by the configuration, else by where they lie, else by their streams.

use std::collections::BTreeMap;

use crate::plan::config::DatasetNames;
use crate::plan::{FileRole, Plan};
use crate::protocol::state::Descriptor;

/// The namespace of jobs that nobody named.
const JOBS: &str = "midflight";

/// The namespaces of streams of which nothing is known but their names.
const SOURCE: &str = "airbyte-source";
const DESTINATION: &str = "airbyte-destination";

/// A place that datasets lie in, as a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// As `s3://bucket`; `file` for folders.
    pub namespace: String,
    /// The key or path of each stream's folder, and how many files of it were read.
    pub folders: BTreeMap<Descriptor, (String, Option<u64>)>,
}

/// Where a run reads and writes, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    pub source: Option<Place>,
    pub destination: Option<Place>,
}

/// What everything in a run's events is called.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pub namespace: String,
    pub job: String,
    source: DatasetNames,
    destination: DatasetNames,
    places: Places,
}

/// What a dataset is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    pub namespace: String,
    pub name: String,
    /// How many files of it were read, where it is made of files.
    pub files: Option<u64>,
}

impl Names {
    /// The names of a run. `namespace` is what the environment calls that of jobs.
    pub fn of(plan: &Plan, command: &str, namespace: Option<String>, places: Places) -> Self {
        let config = plan.sources().config.lineage.clone().unwrap_or_default();
        let given = config.namespace.or(namespace);
        Self {
            namespace: given.unwrap_or_else(|| JOBS.to_owned()),
            job: config.job.unwrap_or_else(|| job(plan, command)),
            source: config.source,
            destination: config.destination,
            places,
        }
    }

    /// What a stream is called where it is read.
    pub fn source(&self, stream: &Descriptor) -> Called {
        called(&self.source, self.places.source.as_ref(), SOURCE, stream)
    }

    /// What a stream is called where it is written.
    pub fn destination(&self, stream: &Descriptor) -> Called {
        let place = self.places.destination.as_ref();
        called(&self.destination, place, DESTINATION, stream)
    }
}

/// The configuration file and the command, as `shop.pipe`: runs of one are one job.
fn job(plan: &Plan, command: &str) -> String {
    let mut files = plan.sources().files.iter();
    let file = files.find(|file| file.role == FileRole::Config);
    let name = file.map(|file| file.name.rsplit('/').next().unwrap_or(&file.name));
    let stem = name.map_or("default", |name| {
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    });
    format!("{stem}.{}", word(command))
}

/// The words of a command as one.
pub(super) fn word(command: &str) -> String {
    command.replace("--", "").replace(' ', "_")
}

fn called(
    names: &DatasetNames,
    place: Option<&Place>,
    otherwise: &str,
    stream: &Descriptor,
) -> Called {
    let folder = place.and_then(|place| place.folders.get(stream));
    let namespace = names.namespace.clone();
    let namespace = namespace.or_else(|| place.map(|place| place.namespace.clone()));
    let name = names.name.as_ref().map(|name| filled(name, stream));
    let name = name.or_else(|| folder.map(|(name, _)| name.clone()));
    Called {
        namespace: namespace.unwrap_or_else(|| otherwise.to_owned()),
        name: name.unwrap_or_else(|| stream.to_string()),
        files: folder.and_then(|(_, files)| *files),
    }
}

/// A name with the stream's own in it. Where a stream has no namespace, what divides it from the next goes too.
fn filled(name: &str, stream: &Descriptor) -> String {
    let name = match &stream.namespace {
        Some(namespace) => name.replace("{namespace}", namespace),
        None => ["{namespace}.", "{namespace}/", "{namespace}"]
            .iter()
            .fold(name.to_owned(), |name, gone| name.replace(gone, "")),
    };
    name.replace("{stream}", &stream.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(namespace: Option<&str>) -> Descriptor {
        Descriptor {
            namespace: namespace.map(str::to_owned),
            name: "users".to_owned(),
        }
    }

    #[test]
    fn the_configuration_comes_before_the_place_and_that_before_the_stream() {
        let place = Place {
            namespace: "s3://raw".to_owned(),
            folders: BTreeMap::from([(stream(None), ("stage/users".to_owned(), Some(3)))]),
        };
        let mut names = Names {
            places: Places {
                source: Some(place),
                destination: None,
            },
            ..Names::default()
        };
        let told = |called: Called| (called.namespace, called.name, called.files);
        let owned =
            |namespace: &str, name: &str, files| (namespace.to_owned(), name.to_owned(), files);
        assert_eq!(
            told(names.source(&stream(None))),
            owned("s3://raw", "stage/users", Some(3))
        );
        assert_eq!(
            told(names.source(&stream(Some("crm")))),
            owned("s3://raw", "crm.users", None)
        );
        assert_eq!(
            told(names.destination(&stream(Some("crm")))),
            owned("airbyte-destination", "crm.users", None)
        );
        names.source.name = Some("shop.{namespace}.{stream}".to_owned());
        assert_eq!(names.source(&stream(Some("crm"))).name, "shop.crm.users");
        assert_eq!(names.source(&stream(None)).name, "shop.users");
    }
}
