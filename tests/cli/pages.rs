//! The pages people read: every command typed as it stands, every output that is shown held against
//! what the command says.

use crate::program::root;
use crate::support::words;
use std::path::Path;
use std::process::Command;

/// Pages in the order in which they are read.
const PAGES: &[&str] = &[
    "README.md",
    "docs/packs.md",
    "docs/evaluation.md",
    "docs/training.md",
    "docs/processes.md",
    "docs/formats.md",
    "docs/architecture.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
];

/// Blocks that are run elsewhere, and where.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cargo run --release -- demo", "the tour, which leaves the folder that commands are typed in"),
    ("cargo test --release", "what runs this test"),
    ("cargo install --path .", "compiles for minutes what is tested here"),
];

/// A fenced block of a page.
struct Block {
    language: String,
    lines: Vec<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut all: Vec<Block> = Vec::new();
    let mut within = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(language) if !within => {
                all.push(Block { language: language.to_owned(), lines: Vec::new() });
                within = true;
            }
            Some(_) => within = false,
            None if within => all.last_mut().unwrap().lines.push(line.to_owned()),
            None => {}
        }
    }
    assert!(!within, "a block is not closed");
    all
}

/// Runs a command as a person types it, with the program on the path; what it says and what it prints.
fn type_in(folder: &Path, command: &str, page: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_qgface-data")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = vec![program.to_path_buf()];
    paths.extend(std::env::split_paths(&path));
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", command]).current_dir(folder);
    let ran = shell.env("PATH", std::env::join_paths(paths).unwrap()).output().unwrap();
    assert!(ran.status.success(), "{page}: {command}: {}", words(&ran));
    String::from_utf8([ran.stderr, ran.stdout].concat()).unwrap()
}

/// A line with a mark for every number in it, since numbers of a network differ by machine.
fn masked(line: &str) -> String {
    let mut masked = String::new();
    for letter in line.trim_end().chars() {
        if !letter.is_ascii_digit() {
            masked.push(letter);
        } else if !masked.ends_with('#') {
            masked.push('#');
        }
    }
    masked.replace("#,#", "#").replace("#.#", "#").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first line that is shown and not printed, in order; `…` stands for any lines.
fn missing<'a>(shown: &'a [String], printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines().map(masked);
    let shown = shown.iter().filter(|line| line.trim() != "…");
    shown.map(String::as_str).find(|line| !printed.any(|own| own == masked(line)))
}

/// Types the commands of all pages in `folder`, which a tour has left.
pub(crate) fn type_pages(folder: &Path) {
    let fixtures = folder.parent().unwrap().join("fixtures");
    std::os::unix::fs::symlink(root().join("fixtures"), fixtures).unwrap();
    let mut typed = 0;
    for page in PAGES {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        for block in blocks(&text) {
            match block.language.as_str() {
                "console" => typed += type_block(folder, &block, page),
                "sh" => {
                    let known = |line: &&String| ELSEWHERE.iter().any(|(own, _)| own == line);
                    let other = block.lines.iter().find(|line| !known(line));
                    assert_eq!(other, None, "{page}: a block that no test runs");
                }
                "cluster" => typed += plan_block(folder, &block, page),
                // tests/steps/torch.rs runs it where PyTorch is.
                "python" => assert_eq!(*page, "docs/training.md"),
                other => panic!("{page}: a block of {other:?}, which no test runs"),
            }
        }
    }
    assert!(typed > 20, "{typed}");
}

/// Has planned what a block for a cluster trains, whose launcher is not here; how many commands there were.
fn plan_block(folder: &Path, block: &Block, page: &str) -> usize {
    let commands =
        block.lines.iter().filter_map(|line| line.find("qgface-data train").map(|at| &line[at..]));
    commands.map(|command| type_in(folder, &format!("{command} --plan"), page)).count()
}

/// Types the commands of a block; how many there were.
fn type_block(folder: &Path, block: &Block, page: &str) -> usize {
    let mut lines = block.lines.iter().peekable();
    let mut typed = 0;
    while let Some(line) = lines.next() {
        let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("{page}: {line}"));
        let shown: Vec<String> =
            std::iter::from_fn(|| lines.next_if(|line| !line.starts_with("$ ")).cloned()).collect();
        let printed = type_in(folder, command, page);
        let missing = missing(&shown, &printed);
        assert_eq!(missing, None, "{page}: {command} does not print this line, but\n{printed}");
        typed += 1;
    }
    typed
}

#[test]
fn a_line_that_is_not_printed_is_missing() {
    let shown = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect::<Vec<_>>();
    let printed = "a  1,234 of 5.67 %\nb\nc 1\n";
    assert_eq!(missing(&shown(&["a 9 of 8.1 %", "…", "c 2"]), printed), None);
    assert_eq!(missing(&shown(&["c 2", "b"]), printed), Some("b"));
    assert_eq!(missing(&shown(&["a 9 of 8.1"]), printed), Some("a 9 of 8.1"));
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    for page in PAGES {
        let path = root().join(page);
        let text = std::fs::read_to_string(&path).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("http")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = path.parent().unwrap().join(file);
            assert!(file.is_file(), "{page} leads to {target}");
            let linked = std::fs::read_to_string(file).unwrap();
            let is_heading = |line: &str| {
                let title = line.trim_start_matches('#').trim().to_lowercase();
                let kept =
                    |letter: &char| letter.is_alphanumeric() || *letter == ' ' || *letter == '-';
                title.chars().filter(kept).collect::<String>().replace(' ', "-") == heading
            };
            let found = heading.is_empty()
                || linked.lines().any(|line| line.starts_with('#') && is_heading(line));
            assert!(found, "{page} leads to {target}");
        }
    }
}

#[test]
fn the_readme_is_read_in_one_sitting() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(text.lines().count() <= 200, "{} lines", text.lines().count());
}
