//! Taking the needed files out of a wheel, which is a zip file.

use super::release::{Member, Release};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Why a wheel gives no files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The zip file cannot be read.
    #[error("{path} is damaged")]
    Zip {
        /// The file, or the one inside it.
        path: String,
        /// Why.
        source: zip::result::ZipError,
    },
    /// A file cannot be written; the disk may be full.
    #[error(transparent)]
    File(#[from] qgface_fs::Error),
    /// A file inside is not the published one.
    #[error("expected {path} to have the BLAKE3 digest {expected}, found {found}")]
    Member {
        /// Its name in the wheel.
        path: &'static str,
        /// Digest of the published file.
        expected: &'static str,
        /// Its digest.
        found: String,
    },
}

/// Writes the files of `release` from `wheel` into `folder` and makes them durable.
///
/// # Errors
/// A damaged wheel, a file that is not the published one, a disk that refuses.
pub(super) fn unpack(release: &Release, wheel: &Path, folder: &Path) -> Result<(), Error> {
    let file = File::open(wheel).map_err(qgface_fs::io_error("read", wheel))?;
    let damaged = |path: &str| {
        let path = path.to_owned();
        move |source| Error::Zip { path, source }
    };
    let zip = zip::ZipArchive::new(file);
    let mut zip = zip.map_err(damaged(&wheel.display().to_string()))?;
    for member in release.files {
        let mut content = zip.by_name(member.path).map_err(damaged(member.path))?;
        write(member, &mut content, folder)?;
    }
    Ok(qgface_fs::sync_folder(folder)?)
}

fn write(member: &Member, content: &mut impl Read, folder: &Path) -> Result<(), Error> {
    let path = folder.join(member.name);
    let mut fill = || {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(if member.executable { 0o777 } else { 0o666 });
        let mut written = Digested { file: options.open(&path)?, hasher: blake3::Hasher::new() };
        // One byte more than expected shows a file that is too long.
        io::copy(&mut content.take(member.length.saturating_add(1)), &mut written)?;
        written.file.sync_all()?;
        Ok(written.hasher.finalize().to_hex().to_string())
    };
    let found = fill().map_err(qgface_fs::io_error("write", &path))?;
    if found != member.blake3 {
        return Err(Error::Member { path: member.path, expected: member.blake3, found });
    }
    Ok(())
}

/// A file and the digest of what went into it.
struct Digested {
    file: File,
    hasher: blake3::Hasher,
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Build;

    fn unpacked(names: &[&str]) -> Error {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("w.whl");
        let mut zip = zip::ZipWriter::new(File::create(&wheel).unwrap());
        let stored = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        for name in names {
            zip.start_file(*name, stored).unwrap();
            zip.write_all(b"other").unwrap();
        }
        zip.finish().unwrap();
        unpack(Release::of(Build::Cpu), &wheel, folder.path()).unwrap_err()
    }

    #[test]
    fn a_wheel_of_other_files_is_refused() {
        let error = unpacked(&["onnxruntime/capi/libonnxruntime.so.1.32.0"]);
        assert!(matches!(error, Error::Member { .. }), "{error}");
    }

    #[test]
    fn a_wheel_without_a_file_is_refused() {
        let error = unpacked(&[]);
        assert!(matches!(error, Error::Zip { .. }), "{error}");
    }
}
