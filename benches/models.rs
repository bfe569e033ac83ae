//! What models cost: the tagger and the embedders beside bare ONNX Runtime on the same batches, and what the
//! gate, the memory and column decisions save. Everything in one run on one thread, by that thread's CPU time,
//! since wall time on a shared machine says little. Prints tables: `cargo bench --bench models`.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Duration;

use midflight::detect::column::Shape;
use midflight::detect::{leaf_words, may_hold_words};
use midflight::model::batching::batches;
use midflight::model::embedder::{Embedder, OnnxEmbedder};
use midflight::model::encode::Encoder;
use midflight::model::manifest::Manifest;
use midflight::model::network::Network;
use midflight::model::{OnnxTagger, Question, Shelf, Tagger};
use midflight::plan::Plan;
use midflight::runtime::models::Models;
use midflight::runtime::{Files, load};
use midflight::runtime::{pipe::run, run::Options};

/// Rounds of every measurement; the median counts.
const ROUNDS: usize = 7;

const GIVEN: &[&str] = &[
    "Olivia", "Jürgen", "María", "Chiara", "Pieter", "Casey", "Łukasz", "Anaïs", "Noah", "Mia",
    "Tomás",
];
const FAMILY: &[&str] = &[
    "Bergström",
    "Müller",
    "García",
    "Rossi",
    "de Vries",
    "Brown",
    "O'Brien",
    "Novak",
    "Silva",
];
const STREETS: &[&str] = &[
    "Main Street",
    "Oak Avenue",
    "Hauptstraße",
    "Rue de la Paix",
    "Via Roma",
];
const TITLES: &[&str] = &[
    "wrong size",
    "Where is my parcel?",
    "invoice missing",
    "cannot log in",
    "Refund",
];
const NOTES: &[&str] = &[
    "Called {} about the late parcel, will call back on Friday.",
    "{} wants a refund for the second order; the box was open when it came.",
    "Customer is happy with the answer, nothing else to do.",
    "Please change the delivery to {} and tell the driver to ring twice.",
];

fn name(number: usize) -> String {
    let given = GIVEN[number * 7 % GIVEN.len()];
    format!(
        "{given} {}{}",
        FAMILY[number * 5 % FAMILY.len()],
        ["", "-Jones", "s", "er"][number / 99 % 4]
    )
}

/// A note that no other record has.
fn note(number: usize) -> String {
    let note = NOTES[number % NOTES.len()].replace("{}", &name(number * 3));
    format!("{note} Order {}.", number * 7919 % 999_983)
}

/// A customer with an open ticket, as a column and its value each.
fn record(number: usize) -> Vec<(&'static str, String)> {
    vec![
        ("id", format!("{number}")),
        ("full_name", name(number)),
        ("email", format!("user{number}@example.com")),
        (
            "street",
            format!("{} {}", number % 180 + 1, STREETS[number % STREETS.len()]),
        ),
        (
            "status",
            ["open", "closed", "on hold"][number % 3].to_owned(),
        ),
        (
            "plan",
            ["basic", "team", "enterprise"][number % 3].to_owned(),
        ),
        ("reference", format!("A-{:06}", number * 7919 % 999_983)),
        (
            "created_at",
            format!("2026-0{}-1{}T08:00:00Z", number % 9 + 1, number % 10),
        ),
        ("amount", format!("{}.50", number % 900)),
        ("title", TITLES[number % TITLES.len()].to_owned()),
        ("note", note(number)),
    ]
}

/// The CPU time this thread has had.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// Median seconds of CPU time of every job, in rounds that take turns after one that warms up.
fn measure(rounds: usize, jobs: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut times = vec![Vec::new(); jobs.len()];
    for round in 0..=rounds {
        for (job, times) in jobs.iter_mut().zip(&mut times) {
            let start = cpu();
            job();
            if round > 0 {
                times.push((cpu() - start).as_secs_f64());
            }
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    times.iter().map(|times| times[times.len() / 2]).collect()
}

fn open(name: &str) -> Option<(Manifest, Network, Encoder)> {
    let models = Models::standard();
    let manifest = models.manifest(name).ok()?;
    let volume = models.take(&manifest).ok()?;
    let network = Network::open(volume.engine, name, volume.model).expect("a network");
    let encoder = Encoder::read(name, &volume.tokenizer).expect("a tokenizer");
    Some((manifest, network, encoder))
}

/// The batches that a model of ours would run, as ids, rows and length.
fn prepared(
    manifest: &Manifest,
    encoder: &Encoder,
    texts: &[String],
) -> Vec<(Vec<i64>, usize, usize)> {
    let read: Vec<_> = texts
        .iter()
        .map(|text| encoder.tokens(text).expect("tokens").ids)
        .collect();
    let room = manifest.max_tokens - encoder.around();
    let framed: Vec<Vec<i64>> = read
        .iter()
        .map(|ids| {
            let mut framed = Vec::new();
            encoder.frame([&[], &ids[..ids.len().min(room)]], &mut framed);
            framed
        })
        .collect();
    let lengths: Vec<usize> = framed.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..framed.len()).collect();
    let ranges = batches(&mut order, &lengths, manifest.independent);
    ranges
        .into_iter()
        .map(|range| {
            let chosen = &order[range];
            let ids = chosen.iter().flat_map(|&at| framed[at].clone()).collect();
            (ids, chosen.len(), lengths[chosen[0]])
        })
        .collect()
}

#[expect(clippy::print_stdout, reason = "the result of the benchmark")]
fn say(line: &str) {
    println!("{line}");
}

fn beside_bare_runtime(texts: &[(&str, Vec<String>)]) {
    say("| model | texts | ONNX Runtime alone, texts per CPU second | midflight | ratio |");
    say("|---|---|---|---|---|");
    let model = |name: &str, texts: &str, count: usize, [bare, ours]: [f64; 2]| {
        #[expect(clippy::cast_precision_loss, reason = "a count of texts")]
        let count = count as f64;
        say(&format!(
            "| {name} | {texts} | {:.0} | {:.0} | {:.2} |",
            count / bare,
            count / ours,
            bare / ours
        ));
    };
    for (what, texts) in texts {
        let (manifest, network, encoder) = open("pii").expect("the tagger");
        let ready = prepared(&manifest, &encoder, texts);
        let (_, own, own_encoder) = open("pii").expect("the tagger");
        let tagger = OnnxTagger::new(&manifest, own, own_encoder, 0).expect("a tagger");
        let questions: Vec<_> = texts
            .iter()
            .map(|text| Question { name: "", text })
            .collect();
        let mut bare = || {
            ready.iter().for_each(|(ids, rows, length)| {
                network.run(ids, *rows, *length, |_| Ok(())).expect("a run")
            })
        };
        let mut ours = || drop(tagger.tag(&questions).expect("tags"));
        let times = measure(ROUNDS, &mut [&mut bare, &mut ours]);
        model("pii", what, texts.len(), [times[0], times[1]]);
    }
    for name in ["default", "minilm", "minilm-precise"] {
        let Some((manifest, network, encoder)) = open(name) else {
            say(&format!(
                "| {name} | not fetched: `midflight models pull {name}` | | | |"
            ));
            continue;
        };
        let (what, texts) = &texts[1];
        let ready = prepared(&manifest, &encoder, texts);
        let (_, own, own_encoder) = open(name).expect("the embedder");
        let embedder = OnnxEmbedder::new(&manifest, own, own_encoder).expect("an embedder");
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut bare = || {
            ready.iter().for_each(|(ids, rows, length)| {
                network.run(ids, *rows, *length, |_| Ok(())).expect("a run")
            })
        };
        let mut ours = || drop(embedder.embed(&borrowed).expect("vectors"));
        let mut tokens = || texts.iter().for_each(|text| drop(encoder.tokens(text)));
        let times = measure(ROUNDS, &mut [&mut bare, &mut ours, &mut tokens]);
        model(name, what, texts.len(), [times[0], times[1]]);
        // A static model costs less than cutting its texts into tokens.
        let with_tokens = format!("{what}, the tokenizer's time on both sides");
        model(
            name,
            &with_tokens,
            texts.len(),
            [times[0] + times[2], times[1]],
        );
    }
}

/// The messages of some records, in a file.
fn messages(records: &[Vec<(&'static str, String)>]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    for record in records {
        let data: serde_json::Map<String, serde_json::Value> = record
            .iter()
            .map(|(column, value)| ((*column).to_owned(), value.clone().into()))
            .collect();
        let message = serde_json::json!({"type": "RECORD", "record": {"stream": "customers", "data": data, "emitted_at": 1}});
        writeln!(file, "{message}").expect("a line");
    }
    file
}

fn pipe(plan: &Plan, input: &File) {
    let mut input = input.try_clone().expect("a file");
    input.rewind().expect("its start");
    let nowhere = File::create("/dev/null").expect("nowhere");
    let options = Options {
        workers: 1,
        ..Options::default()
    };
    run(plan, input.into(), nowhere.into(), &options).expect("a whole run");
}

/// A plan without a configuration, or with the one of this name in `benches/configs`.
fn plan(config: Option<&str>) -> Plan {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/configs");
    let config = config.map(|name| folder.join(format!("{name}.yaml")));
    load(&Files {
        config,
        ..Files::default()
    })
    .expect("a plan")
}

/// Asks about as many values at once as a chunk holds.
fn ask(tagger: &OnnxTagger, questions: &[Question<'_>]) {
    questions
        .chunks(330)
        .for_each(|chunk| drop(tagger.tag(chunk).expect("tags")));
}

fn what_saves() {
    let few: Vec<_> = (0..600).map(record).collect();
    let many: Vec<_> = (0..1_500).map(record).collect();
    let longer: Vec<_> = (0..60_000).map(record).collect();
    let words: Vec<String> = few[0]
        .iter()
        .map(|(column, _)| leaf_words(column))
        .collect();
    let all: Vec<Question<'_>> = few
        .iter()
        .flat_map(|record| {
            record
                .iter()
                .zip(&words)
                .map(|((_, text), name)| Question { name, text })
        })
        .collect();
    let gated: Vec<Question<'_>> = all
        .iter()
        .copied()
        .filter(|question| may_hold_words(question.text, Shape::of(question.text)))
        .collect();
    let tagger = |remembered: usize| {
        let (manifest, network, encoder) = open("pii").expect("the tagger");
        OnnxTagger::new(&manifest, network, encoder, remembered).expect("a tagger")
    };
    let forgetful = tagger(0);
    let mut every = || ask(&forgetful, &all);
    let mut gate = || ask(&forgetful, &gated);
    let mut memory = || ask(&tagger(1 << 17), &gated);
    let mut opening = || drop(tagger(1 << 17));
    let times = measure(3, &mut [&mut every, &mut gate, &mut memory, &mut opening]);
    let (input, long_input) = (messages(&many), messages(&longer));
    let (pinned, without) = (plan(Some("decided")), plan(Some("recognisers")));
    let mut decided = || pipe(&plan(None), &input);
    let mut no_text = || pipe(&pinned, &long_input);
    let mut recognisers = || pipe(&without, &long_input);
    let piped = measure(3, &mut [&mut decided, &mut no_text, &mut recognisers]);
    #[expect(clippy::cast_precision_loss, reason = "counts of records")]
    let (few, many, longer) = (few.len() as f64, many.len() as f64, longer.len() as f64);
    say(&format!(
        "\n| {} columns a record | values asked, of {} | records per CPU second |",
        words.len(),
        all.len()
    ));
    say("|---|---|---|");
    say(&format!(
        "| every string to the tagger | {} | {:.0} |",
        all.len(),
        few / times[0]
    ));
    say(&format!(
        "| behind the gate | {} | {:.0} |",
        gated.len(),
        few / times[1]
    ));
    say(&format!(
        "| and with a memory | | {:.0} |",
        few / (times[2] - times[3])
    ));
    say(&format!(
        "| and columns decided: every note, and no other column, is asked | | {:.0} |",
        many / piped[0]
    ));
    say(&format!(
        "| columns decided, notes and titles pinned as clean: nothing is asked | | {:.0} |",
        longer / piped[1]
    ));
    say(&format!(
        "| no tagger: recognisers alone | | {:.0} |",
        longer / piped[2]
    ));
}

fn main() {
    let cells: Vec<String> = (0..400)
        .map(|number| format!("{} {number}", name(number)))
        .collect();
    let notes: Vec<String> = (0..300).map(note).collect();
    let long: Vec<String> = (0..60)
        .map(|number| {
            (0..6)
                .map(|part| note(number + part))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    beside_bare_runtime(&[("names", cells), ("notes", notes), ("long texts", long)]);
    what_saves();
}
