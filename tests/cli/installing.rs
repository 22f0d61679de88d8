//! `runtime`: what it says of ONNX Runtime, and an installation that cannot be done.

use crate::program::program;
use std::path::Path;

/// The program with a cache of its own and no other place to find a library in.
fn runtime(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = program(folder, arguments);
    command.env("QGFACE_RUNTIME_CACHE", folder.join("cache")).env_remove("ORT_DYLIB_PATH");
    command.env("PIP_NO_INDEX", "1").output().unwrap()
}

#[test]
fn an_installation_without_a_network_says_what_to_do_and_leaves_nothing() {
    let work = tempfile::tempdir().unwrap();
    let ran = runtime(work.path(), &["runtime", "install"]);
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0));
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("onnxruntime==1.32.0") && said.contains("ORT_DYLIB_PATH"), "{said}");
    let folders = walkdir::WalkDir::new(work.path().join("cache"));
    let files = folders.into_iter().flatten().filter(|entry| entry.file_type().is_file());
    let left: Vec<_> = files.filter(|entry| entry.metadata().unwrap().len() > 0).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn files_beside_the_data_are_no_part_of_python() {
    let work = tempfile::tempdir().unwrap();
    let own = "open('pwned', 'w'); open('/proc/self/cwd/pwned', 'w')\n";
    let touch = format!("open({:?}, 'w')\n{own}", work.path().join("pwned"));
    for name in ["pip.py", "site.py", "sitecustomize.py", "usercustomize.py", "runpy.py", "json.py"]
    {
        std::fs::write(work.path().join(name), &touch).unwrap();
    }
    for arguments in [&["runtime", "install"][..], &["runtime", "info"]] {
        let mut command = program(work.path(), arguments);
        command.env("QGFACE_RUNTIME_CACHE", work.path().join("cache")).env("PIP_NO_INDEX", "1");
        command.env("PYTHONPATH", ".").env("VIRTUAL_ENV", ".").env_remove("ORT_DYLIB_PATH");
        let ran = command.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!work.path().join("pwned").exists(), "{arguments:?}: {said}");
        // The true pip was asked.
        assert!(arguments[1] == "info" || said.contains("pip cannot fetch"), "{said}");
    }
}

#[test]
fn a_cache_of_the_runtime_is_entered_through_no_link() {
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("cache/onnxruntime");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::create_dir(work.path().join("victim")).unwrap();
    std::fs::write(work.path().join("victim/kept"), "kept").unwrap();
    std::os::unix::fs::symlink("../../victim", root.join(".partial-1.32.0-cpu-7")).unwrap();
    std::os::unix::fs::symlink("../../victim/kept", root.join(".lock")).unwrap();
    let ran = runtime(work.path(), &["runtime", "install"]);
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.code() == Some(2) && said.contains("found a link"), "{said}");
    std::fs::remove_file(root.join(".lock")).unwrap();
    assert_eq!(runtime(work.path(), &["runtime", "install"]).status.code(), Some(2));
    assert_eq!(std::fs::read(work.path().join("victim/kept")).unwrap(), b"kept");
}

#[test]
fn info_tells_what_is_there_and_what_is_missing() {
    let work = tempfile::tempdir().unwrap();
    let ran = runtime(work.path(), &["runtime", "info", "--format", "json"]);
    assert_eq!(ran.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    crate::program::fits(&document, "runtime");
    assert!(document["cores"].as_u64().unwrap() > 0);
    let text = runtime(work.path(), &["runtime"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("cpu") && text.contains("cache"), "{text}");
}
