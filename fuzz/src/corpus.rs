//! Every file of the corpus, and of what once failed, through its target: what `make test-rust` runs, without libFuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 10] = [
    ("datagram", crate::datagram::run),
    ("dtls", crate::dtls::run),
    ("extension", crate::extension::run),
    ("fingerprint", crate::fingerprint::run),
    ("line", crate::line::run),
    ("nack", crate::nack::run),
    ("rtcp", crate::rtcp::run),
    ("rtp", crate::rtp::run),
    ("srtp", crate::srtp::run),
    ("stun", crate::stun::run),
];

/// Room for a corpus that covers everything; more would be fuzzing output that nobody minimised.
const BYTES_MAX: u64 = 1 << 20;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a directory, none when it is missing, in the order of their names.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(directory)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default()
}

fn names(directory: &str) -> BTreeSet<String> {
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files(&root().join(directory))
        .into_iter()
        .map(name)
        .collect()
}

#[test]
fn every_target_keeps_its_rules_over_the_whole_corpus() {
    for (name, run) in TARGETS {
        let corpus = files(&root().join("corpus").join(name));
        assert!(!corpus.is_empty(), "{name} has a corpus");
        for path in corpus
            .into_iter()
            .chain(files(&root().join("regressions").join(name)))
        {
            let bytes = fs::read(&path).unwrap();
            if std::panic::catch_unwind(|| run(&bytes)).is_err() {
                panic!("{name} broke a rule over {}", path.display());
            }
        }
    }
}

#[test]
fn every_target_is_played_and_every_corpus_belongs_to_one() {
    let known: BTreeSet<String> = TARGETS.map(|(name, _)| name.to_owned()).into();
    assert_eq!(names("fuzz_targets"), known);
    assert_eq!(names("corpus"), known);
    assert!(names("regressions").is_subset(&known));
}

#[test]
fn the_corpus_is_small() {
    let corpora = files(&root().join("corpus"));
    let bytes: u64 = corpora
        .iter()
        .flat_map(|corpus| files(corpus))
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes < BYTES_MAX, "{bytes} bytes");
}
