//! What a setting can be: its type, its range and how it is read.

use super::Given;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// Type and range of a setting, as data.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// One of some words.
    Words(Vec<&'static str>),
    /// What a type reads itself, and says so.
    Told(String),
    /// Any text that is the name of one folder.
    FolderName,
    /// A path.
    Path,
    /// The same, or nothing.
    Optional(Box<Form>),
    /// Any number of these.
    List(Box<Form>),
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = |most: &u64| match *most {
            u64::MAX => "on".to_owned(),
            most => format!("to {most}"),
        };
        match self {
            Self::Whole(least, last) => write!(f, "a whole number from {least} {}", most(last)),
            Self::Number(f64::MIN_POSITIVE, most) => write!(f, "a number above 0, at most {most}"),
            Self::Number(least, most) => write!(f, "a number from {least} to {most}"),
            Self::Words(words) => f.write_str(&one_of(words)),
            Self::Told(told) => f.write_str(told),
            Self::FolderName => f.write_str("a plain folder name"),
            Self::Path => f.write_str("a path"),
            Self::Optional(form) => form.fmt(f),
            Self::List(form) => {
                match &**form {
                    Self::Whole(least, last) => {
                        write!(f, "whole numbers from {least} {}", most(last))?;
                    }
                    Self::Path => f.write_str("paths")?,
                    other => other.fmt(f)?,
                }
                f.write_str(", separated by commas or as a list in brackets")
            }
        }
    }
}

/// What is told of one of some words.
pub(super) fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}

impl Form {
    /// Whether it is a path, or several.
    pub(super) fn is_path(&self) -> bool {
        match self {
            Self::Path => true,
            Self::Optional(form) | Self::List(form) => form.is_path(),
            _ => false,
        }
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

/// How a setting is read, and into what.
pub trait Kind: Sync + 'static {
    /// What it is once it was read.
    type Value;

    /// Its type and range.
    fn form(&self) -> Form;

    /// Reads what was given; paths are relative to `folder`. None of what is not in its form.
    fn read(&self, given: &Given, folder: &Path) -> Option<Self::Value>;
}

/// A whole number, as `T`.
#[derive(Debug)]
pub struct Whole<T>(u64, u64, PhantomData<fn() -> T>);

/// A whole number from `least` to `most`.
pub(super) const fn whole<T>(least: u64, most: u64) -> Whole<T> {
    Whole(least, most, PhantomData)
}

impl<T: TryFrom<u64> + 'static> Kind for Whole<T> {
    type Value = T;

    fn form(&self) -> Form {
        Form::Whole(self.0, self.1)
    }

    fn read(&self, given: &Given, _: &Path) -> Option<T> {
        let number = given.one()?.parse().ok().filter(|number| (self.0..=self.1).contains(number));
        T::try_from(number?).ok()
    }
}

/// A number from the first to the second.
#[derive(Debug)]
pub struct Number(pub(super) f64, pub(super) f64);

impl Kind for Number {
    type Value = f64;

    fn form(&self) -> Form {
        Form::Number(self.0, self.1)
    }

    fn read(&self, given: &Given, _: &Path) -> Option<f64> {
        given.one()?.parse().ok().filter(|number| (self.0..=self.1).contains(number))
    }
}

/// One of some words, each with what it means.
#[derive(Debug)]
pub struct Words<T: 'static>(pub(super) &'static [(&'static str, T)]);

impl<T: Copy + Sync + 'static> Kind for Words<T> {
    type Value = T;

    fn form(&self) -> Form {
        Form::Words(self.0.iter().map(|(word, _)| *word).collect())
    }

    fn read(&self, given: &Given, _: &Path) -> Option<T> {
        let text = given.one()?;
        self.0.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
    }
}

/// What a type reads itself.
#[derive(Debug)]
pub struct Told<T> {
    /// What is expected.
    pub(super) expected: fn() -> String,
    /// Reads it.
    pub(super) read: fn(&str) -> Option<T>,
}

impl<T: 'static> Kind for Told<T> {
    type Value = T;

    fn form(&self) -> Form {
        Form::Told((self.expected)())
    }

    fn read(&self, given: &Given, _: &Path) -> Option<T> {
        given.one().and_then(self.read)
    }
}

/// The name of one folder.
#[derive(Debug)]
pub struct FolderName;

impl Kind for FolderName {
    type Value = String;

    fn form(&self) -> Form {
        Form::FolderName
    }

    fn read(&self, given: &Given, _: &Path) -> Option<String> {
        let name = given.one()?;
        let is_plain = !name.starts_with('.') && !name.contains(['/', '\\', '\n']);
        is_plain.then(|| name.to_owned())
    }
}

/// A path: relative to the file it stands in, else to the working directory.
#[derive(Debug)]
pub struct FilePath;

impl Kind for FilePath {
    type Value = PathBuf;

    fn form(&self) -> Form {
        Form::Path
    }

    fn read(&self, given: &Given, folder: &Path) -> Option<PathBuf> {
        given.one().map(|text| folder.join(text))
    }
}

/// What may be left out: its value then follows from other settings, or there is none.
#[derive(Debug)]
pub struct Optional<K>(pub(super) K);

impl<K: Kind> Kind for Optional<K> {
    type Value = Option<K::Value>;

    fn form(&self) -> Form {
        Form::Optional(Box::new(self.0.form()))
    }

    fn read(&self, given: &Given, folder: &Path) -> Option<Self::Value> {
        match given.is_empty() {
            true => Some(None),
            false => self.0.read(given, folder).map(Some),
        }
    }
}

/// Any number of the same.
#[derive(Debug)]
pub struct List<K>(pub(super) K);

impl<K: Kind> Kind for List<K> {
    type Value = Vec<K::Value>;

    fn form(&self) -> Form {
        Form::List(Box::new(self.0.form()))
    }

    fn read(&self, given: &Given, folder: &Path) -> Option<Self::Value> {
        given.parts()?.into_iter().map(|part| self.0.read(&Given::One(part), folder)).collect()
    }
}
