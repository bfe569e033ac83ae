//! Runs that are killed while they write to an S3 bucket, against moto's server: at any request, before it or after it.

use std::collections::BTreeMap;

use midflight::runtime::bucket::Bucket;

use super::bucket::Moto;
use crate::kill::chance::{Chance, kills};
use crate::kill::course::{Counter, Moment, Target};
use crate::kill::front::{Act, Front};
use crate::kill::trial::{Place, Trial};

/// A bucket behind a front.
pub struct Server {
    pub moto: Moto,
    pub front: Front,
    events: Counter,
}

impl Server {
    pub fn start() -> Self {
        let moto = Moto::start();
        moto.ask("PUT", "/stages");
        Self {
            front: Front::before(&moto.address),
            moto,
            events: Counter::default(),
        }
    }

    /// Settings of the store at an address.
    pub fn options(&self, address: &str) -> BTreeMap<String, String> {
        let options = [
            ("aws_endpoint", format!("http://{address}")),
            ("aws_access_key_id", "testing".to_owned()),
            ("aws_secret_access_key", "testing".to_owned()),
            ("aws_region", "us-east-1".to_owned()),
            ("aws_allow_http", "true".to_owned()),
        ];
        options
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

impl Place for Server {
    fn url(&self, name: &str) -> String {
        format!("s3://stages/{name}")
    }

    fn open(&self, name: &str) -> Bucket {
        Bucket::open(&self.url(name), &self.options(&self.moto.address)).expect("a bucket")
    }

    fn watched(&self, _: &str) -> Option<std::path::PathBuf> {
        None
    }

    fn variables(&self) -> Vec<(String, String)> {
        let options = self.options(&self.front.address).into_iter();
        options
            .map(|(name, value)| (name.to_ascii_uppercase(), value))
            .collect()
    }

    fn arm(&self, at: Option<Moment>, target: &Target) {
        self.events.reset();
        let (events, target) = (self.events.clone(), target.clone());
        self.front.rule(move |_, answered| {
            let number = if answered {
                events.get()
            } else {
                events.next()
            };
            match at {
                Some(Moment::Event {
                    number: wanted,
                    before,
                }) if number >= wanted && before != answered => {
                    target.kill();
                    Act::Reset
                }
                _ => Act::Pass,
            }
        });
    }

    fn events(&self) -> usize {
        self.events.get()
    }
}

#[test]
fn kills_of_a_destination_lose_no_row_in_a_bucket() {
    let mut chance = Chance::seeded("destination in a bucket");
    let server = Server::start();
    let mut trial = Trial::new(&server, &mut chance, 2_000);
    trial.destination(kills(6));
}

#[test]
fn kills_of_a_batch_lose_no_row_in_a_bucket() {
    let mut chance = Chance::seeded("batch in a bucket");
    let server = Server::start();
    let mut trial = Trial::new(&server, &mut chance, 1_000);
    trial.batch(kills(4));
}
