//! Digests of the files that a pack is made from beside its pictures.

use super::pack_plan::PackPlan;
use crate::datasets::{ImageSource, LabelFunction};
use crate::fs;
use crate::pack::digest::{FileDigest, digest_file};
use crate::pack::manifest::{Input, NamedDigest, Role};
use crate::pack::{Error, Part};
use std::path::{Path, PathBuf};

/// Digests of the files the pack is made from beside its pictures, or that hold them all.
pub(in crate::pack) fn inputs(plan: &PackPlan) -> Result<Vec<Input>, Error> {
    let labels = match &plan.function {
        LabelFunction::Csv(file) => Some(file.as_path()),
        _ => None,
    };
    let container = match plan.list.source {
        ImageSource::Files => None,
        ImageSource::Pickle(_) | ImageSource::Records(_) => Some(plan.list.base.as_path()),
    };
    let files = [
        (Role::List, plan.recipe.list.as_deref()),
        (Role::Labels, labels),
        (Role::Landmarks, plan.recipe.landmarks.as_deref()),
        (Role::Pictures, container),
    ];
    let named = files.into_iter().filter_map(|(role, path)| Some((role, path?)));
    named.map(|(role, path)| named_input(plan, role, path)).collect()
}

/// Digests of the set's protocol files, and of the pairs that the pack will tell.
pub(in crate::pack) fn protocol_files(plan: &PackPlan) -> Result<Vec<NamedDigest>, Error> {
    let digest = |path: &String| -> Result<NamedDigest, Error> {
        let blake3 = digest_file(&plan.list.file(path))?.blake3;
        Ok(NamedDigest { path: path.clone(), blake3 })
    };
    let of_pairs = |text: String| NamedDigest {
        path: Part::Pairs.ending().trim_start_matches('.').to_owned(),
        blake3: FileDigest::of(text.as_bytes()).blake3,
    };
    let pairs = plan.pairs().map(of_pairs).map(Ok);
    plan.list.protocol_files.iter().map(digest).chain(pairs).collect()
}

/// Names a file by its path below the base, or by its name alone when it lies elsewhere, so that
/// a manifest holds no path of a machine.
fn named_input(plan: &PackPlan, role: Role, path: &Path) -> Result<Input, Error> {
    let real = |path: &Path| path.canonicalize().map_err(fs::io_error("find", path));
    let (file, base) = (real(path)?, real(&plan.list.base)?);
    let below = file.strip_prefix(base).ok().filter(|path| !path.as_os_str().is_empty());
    let below = below.map(Path::to_path_buf);
    let name = below.or_else(|| path.file_name().map(PathBuf::from));
    let name = name.expect("the path of a file ends in its name");
    let path_in_manifest = name.to_string_lossy().into_owned();
    Ok(Input { role, path: path_in_manifest, blake3: digest_file(path)?.blake3 })
}
