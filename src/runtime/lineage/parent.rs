//! The run that this one is a part of, as the environment tells it.
//!
//! Schedulers hand on `OPENLINEAGE_PARENT_ID` and `OPENLINEAGE_ROOT_PARENT_ID`, each `namespace/job/run`. Airbyte tells
//! its connectors the number of their job and of the attempt, which have no UUID: one is made of both, the same for
//! every connector of the attempt.

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::lineage::{JobRef, Parent};
use crate::runtime::environment::Environment;

/// The namespace of Airbyte's jobs.
const AIRBYTE: &str = "airbyte";

/// The run around this one; `job` is what this one's own is called.
pub(super) fn of(environment: &Environment, job: &str) -> Option<Parent> {
    let named = |name: &str| divided(&environment.text(name)?);
    if let Some((run, job)) = named("OPENLINEAGE_PARENT_ID") {
        let root = named("OPENLINEAGE_ROOT_PARENT_ID");
        return Some(Parent { run, job, root });
    }
    let number = environment.text("WORKER_JOB_ID")?;
    let attempt = environment.text("WORKER_JOB_ATTEMPT").unwrap_or_default();
    let digest = Sha256::digest(format!("midflight airbyte job {number} attempt {attempt}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Some(Parent {
        run: Builder::from_custom_bytes(bytes).into_uuid().to_string(),
        job: JobRef {
            namespace: AIRBYTE.to_owned(),
            name: job.to_owned(),
        },
        root: None,
    })
}

/// `namespace/job/run`. A namespace may hold slashes itself.
fn divided(text: &str) -> Option<(String, JobRef)> {
    let mut parts = text.rsplitn(3, '/');
    let (run, name, namespace) = (parts.next()?, parts.next()?, parts.next()?);
    let run = Uuid::parse_str(run).ok()?.to_string();
    let job = JobRef {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    (!job.name.is_empty() && !job.namespace.is_empty()).then_some((run, job))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "01941f29-7c00-7000-8000-000000000001";

    #[test]
    fn a_scheduler_comes_before_airbyte() {
        let id = format!("airflow://host/a/dag.task/{RUN}");
        let environment = Environment::from([
            ("OPENLINEAGE_PARENT_ID", id.as_str()),
            ("OPENLINEAGE_ROOT_PARENT_ID", "nonsense"),
            ("WORKER_JOB_ID", "7"),
        ]);
        let parent = of(&environment, "j").expect("a parent");
        assert_eq!(parent.run, RUN);
        assert_eq!(parent.job.namespace, "airflow://host/a");
        assert_eq!(parent.job.name, "dag.task");
        assert_eq!(parent.root, None);
    }

    #[test]
    fn connectors_of_one_attempt_have_one_parent() {
        let run = |job: &str, attempt: &str| {
            let environment =
                Environment::from([("WORKER_JOB_ID", job), ("WORKER_JOB_ATTEMPT", attempt)]);
            of(&environment, "j").expect("a parent").run
        };
        assert_eq!(run("7", "0"), run("7", "0"));
        assert_ne!(run("7", "0"), run("7", "1"));
        assert!(Uuid::parse_str(&run("7", "0")).is_ok());
        assert_eq!(of(&Environment::default(), "j"), None);
    }
}
