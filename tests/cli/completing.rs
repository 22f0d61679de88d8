//! `completions`: each shell is asked to complete, with the script that is made for it. A shell that
//! is not installed is said to be skipped.

use crate::program::{done, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a shell prints of `script`, with the completions of its name in the file `completions`; nothing
/// where there is no such shell.
fn told(shell: &str, arguments: &[&str], script: &str) -> Option<String> {
    if Command::new(shell).arg("--version").output().is_err() {
        println!("skipped: no {shell}");
        return None;
    }
    let work = tempfile::tempdir().unwrap();
    let completions = done(work.path(), &["completions", shell]).stdout;
    fs::write(work.path().join("completions"), completions).unwrap();
    let mut command = Command::new(shell);
    command.args(arguments).arg(script).current_dir(work.path()).env("HOME", work.path());
    // The program has to be found, as where it is installed.
    let path = std::env::join_paths([folder_of_the_program(), "/usr/bin".into(), "/bin".into()]);
    let output = command.env("PATH", path.unwrap()).env("TERM", "dumb").output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{shell}: {said}");
    Some(said)
}

fn folder_of_the_program() -> PathBuf {
    let command = program(Path::new("."), &[]);
    Path::new(command.get_program()).parent().unwrap().to_owned()
}

/// Asks Bash as it asks itself: by the function that `complete` was given.
fn bash(words: &[&str]) -> Option<Vec<String>> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let (last, before) = (words.len() - 1, words.len() - 2);
    let script = format!(
        "source ./completions
         registered=$(complete -p qgface-data)
         registered=${{registered#*-F }}
         COMP_WORDS=({})
         COMP_CWORD={last}
         COMP_LINE=\"${{COMP_WORDS[*]}}\"
         COMP_POINT=${{#COMP_LINE}}
         ${{registered%% *}} qgface-data '{}' '{}'
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words[last],
        words[before],
    );
    let said = told("bash", &["--norc", "-c"], &script)?;
    Some(said.lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_subcommands_options_and_values() {
    let Some(subcommands) = bash(&["qgface-data", "make"]) else { return };
    assert_eq!(subcommands, ["make-rec"]);
    let options = bash(&["qgface-data", "make-rec", "--"]).unwrap();
    for option in ["--dataset", "--root", "--format"] {
        assert!(options.iter().any(|own| own == option), "{option} of {options:?}");
    }
    assert_eq!(bash(&["qgface-data", "make-rec", "--datas"]).unwrap(), ["--dataset"]);
    let later = ["qgface-data", "eval", "model.onnx", "--set", "lfw", "--no-c"];
    assert_eq!(bash(&later).unwrap(), ["--no-cache"]);
    // Subcommands of subcommands, and what has no dash in its name.
    assert_eq!(bash(&["qgface-data", "runtime", "inst"]).unwrap(), ["install"]);
    assert_eq!(bash(&["qgface-data", "runtime", "install", "--cu"]).unwrap(), ["--cuda"]);
    assert_eq!(bash(&["qgface-data", "stats", "--format", "js"]).unwrap(), ["json"]);
}

/// A name that has a dash twice: the program's and the subcommand's.
#[test]
fn bash_completes_options_of_every_subcommand() {
    let work = tempfile::tempdir().unwrap();
    let script = done(work.path(), &["completions", "bash"]).stdout;
    let found: Vec<&str> =
        script.lines().filter_map(|line| line.trim().strip_prefix("cmd=\"qgface")).collect();
    assert!(found.len() > 15, "{found:?}");
    for name in found {
        let branch = format!("qgface{})", name.trim_end_matches('"'));
        assert!(script.lines().any(|line| line.trim() == branch), "no options under {branch}");
    }
}

#[test]
fn fish_completes_subcommands_and_options() {
    let script = "source ./completions
        complete --do-complete 'qgface-data make'
        complete --do-complete 'qgface-data make-rec --data'
        complete --do-complete 'qgface-data eval model.onnx --no-c'";
    let Some(said) = told("fish", &["--no-config", "-c"], script) else { return };
    let words: Vec<&str> = said.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(words, ["make-rec", "--dataset", "--no-cache"]);
}

/// Zsh completes only where it is typed into, so it types into another one.
#[test]
fn zsh_completes_subcommands_and_options() {
    let script = r#"zmodload zsh/zpty
        zpty typed zsh -f -i
        say() { zpty -w typed "$1" }
        say 'PS1=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D'
        say 'source ./completions; compdef _qgface-data qgface-data'
        say 'qgface-data() { print -r -- "ran:$*:" }'
        say $'qgface-data make-r\t --datas\t x'
        say $'qgface-data eval model.onnx --no-c\t'
        say 'exit'
        zpty -r typed all '*ran:eval*:*' && print -r -- $all"#;
    let Some(said) = told("zsh", &["-f", "-c"], script) else { return };
    assert!(said.contains("ran:make-rec --dataset x:"), "{said}");
    assert!(said.contains("ran:eval model.onnx --no-cache:"), "{said}");
}
