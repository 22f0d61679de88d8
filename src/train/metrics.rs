//! `metrics.jsonl`: a line a step that was made.

use super::Error;
use crate::fs;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The numbers of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Line {
    /// Steps made with this one.
    pub step: u64,
    /// The epoch, from 0.
    pub epoch: u32,
    /// The joint loss.
    pub loss: f32,
    /// The head's loss.
    pub loss_cla: f32,
    /// The contrastive loss, before its weight.
    pub loss_con: f32,
    /// The learning rate.
    pub lr: f32,
    /// The running margin of the contrast.
    pub margin: f32,
    /// Length of the gradient.
    pub grad_norm: f32,
    /// Share of pairs with a weight that is not zero.
    pub weighted_pairs: f32,
    /// Images that the step learned from, a second.
    pub images_per_second: f64,
    /// Share of the step's time that it waited for its batch.
    pub waited: f64,
    /// In float16, what the loss was multiplied by before gradients were derived from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<f32>,
    /// In float16, steps of the run so far that were skipped, since gradients overflowed; they have no
    /// line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_steps: Option<u64>,
}

/// The file, open for more lines.
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Metrics {
    /// Opens the file for the lines after `step`; later ones of a run that broke off are dropped.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn open(path: &Path, step: u64) -> Result<Self, Error> {
        let kept: Vec<Line> = if step > 0 { read(path)? } else { Vec::new() };
        let mut text = Vec::new();
        for line in kept.iter().filter(|line| line.step <= step) {
            append(&mut text, line);
        }
        fs::write_whole(path, &text)?;
        let file = File::options().append(true).open(path).map_err(fs::io_error("write", path))?;
        Ok(Self { path: path.to_path_buf(), out: BufWriter::new(file) })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn write(&mut self, line: &Line) -> Result<(), Error> {
        let mut text = Vec::new();
        append(&mut text, line);
        // A line a step is little: whoever looks sees the step that was last.
        let written = self.out.write_all(&text).and_then(|()| self.out.flush());
        Ok(written.map_err(fs::io_error("write", &self.path))?)
    }
}

fn append(text: &mut Vec<u8>, line: &Line) {
    text.extend(serde_json::to_vec(line).expect("a line is numbers by name"));
    text.push(b'\n');
}

/// The whole lines of a file; a last one that broke off is left out.
///
/// # Errors
/// [`Error::Files`].
pub fn read(path: &Path) -> Result<Vec<Line>, Error> {
    let text = std::fs::read_to_string(path).map_err(fs::io_error("read", path))?;
    Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64) -> Line {
        Line {
            step,
            epoch: 0,
            loss: 1.5,
            loss_cla: 1.0,
            loss_con: 0.5,
            lr: 0.1,
            margin: 0.0,
            grad_norm: 2.0,
            weighted_pairs: 0.25,
            images_per_second: 10.0,
            waited: 0.01,
            loss_scale: None,
            skipped_steps: None,
        }
    }

    #[test]
    fn lines_after_the_checkpoint_and_a_broken_one_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut metrics = Metrics::open(&path, 0).unwrap();
        (1..=5).for_each(|step| metrics.write(&line(step)).unwrap());
        let mut text = std::fs::read_to_string(&path).unwrap();
        text += "{\"step\": 6, \"ep";
        std::fs::write(&path, text).unwrap();
        let mut metrics = Metrics::open(&path, 3).unwrap();
        metrics.write(&line(4)).unwrap();
        assert_eq!(read(&path).unwrap(), [1, 2, 3, 4].map(line));
    }
}
