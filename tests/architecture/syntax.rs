//! The sources as syntax: which files make up a crate, and what each names, in whatever form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, Macro, UseTree, Visibility};

/// A path as it is written: `crate::fs::map` is `["crate", "fs", "map"]`.
type Written = Vec<String>;

/// A source file, without its tests.
pub(crate) struct Source {
    /// From the project's root.
    pub(crate) path: String,
    /// The module that it is: empty for the root of its crate.
    pub(crate) module: Vec<String>,
    /// What it names, with the line: imports, paths in types, patterns and expressions, and words of
    /// macros. What it only passes on (`pub use`) is not among them.
    pub(crate) named: Vec<(Written, usize)>,
    /// What it passes on, by the name it gives it.
    passed_on: BTreeMap<String, Written>,
    /// Macros that it calls.
    pub(crate) macros: Vec<(String, usize)>,
}

/// The sources of a crate.
pub(crate) struct Crate {
    pub(crate) sources: Vec<Source>,
    /// Positions by module.
    places: BTreeMap<Vec<String>, usize>,
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    let files = entries.map(|entry| entry.unwrap().into_path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

impl Crate {
    /// Reads the crate whose root file lies in `folder`, without the modules `apart`.
    pub(crate) fn read(folder: &str, root_file: &str, only: impl Fn(&[String]) -> bool) -> Self {
        let folder = root().join(folder);
        let mut sources = Vec::new();
        for path in files(&folder) {
            let below = path.strip_prefix(&folder).unwrap().with_extension("");
            let mut module: Vec<String> =
                below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if below.as_os_str() == root_file {
                module.clear();
            } else if module.last().is_some_and(|name| name == "mod") {
                module.pop();
            }
            if !only(&module) || module.last().is_some_and(|name| name == "tests") {
                continue;
            }
            sources.push(Source::read(&path, module));
        }
        let modules = sources.iter().map(|source| source.module.clone());
        let places = modules.zip(0..).collect();
        Self { sources, places }
    }

    fn module(&self, path: &[String]) -> Option<usize> {
        self.places.get(path).copied()
    }

    /// The file that holds what `written` names in `from`: names that modules pass on are followed to
    /// where they are defined. Nothing for what is not of this crate.
    pub(crate) fn target(&self, from: usize, written: &[String]) -> Option<usize> {
        let path = self.absolute(from, written)?;
        self.home(&path, 0)
    }

    /// The path from the crate's root, where `written` begins in this crate.
    fn absolute(&self, from: usize, written: &[String]) -> Option<Vec<String>> {
        let source = &self.sources[from];
        let mut base = source.module.clone();
        let mut rest = written;
        match rest.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {}
            name => {
                let mut child = base.clone();
                child.push(name.to_owned());
                if self.module(&child).is_none() {
                    // `pub use ::recordio` passes on another crate.
                    let passed_on = source.passed_on.get(name).filter(|own| own[0] != name)?;
                    let mut all = self.absolute(from, passed_on)?;
                    all.extend_from_slice(&rest[1..]);
                    return Some(all);
                }
            }
        }
        while rest.first().is_some_and(|word| word == "super") {
            base.pop()?;
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    fn home(&self, path: &[String], depth: usize) -> Option<usize> {
        assert!(depth < 16, "{path:?} is passed on in a circle");
        let length = (0..=path.len()).rev().find(|&n| self.module(&path[..n]).is_some())?;
        let at = self.module(&path[..length])?;
        let passed_on =
            path.get(length).and_then(|name| self.sources[at].passed_on.get(name).cloned());
        match passed_on.and_then(|written| self.absolute(at, &written)) {
            Some(mut further) if further != path => {
                further.extend_from_slice(&path[length + 1..]);
                self.home(&further, depth + 1)
            }
            _ => Some(at),
        }
    }

    /// Of each file the others that it names, with the line of the first time.
    pub(crate) fn imports(&self) -> Vec<BTreeMap<usize, usize>> {
        let of = |at: usize| {
            let mut found = BTreeMap::new();
            for (written, line) in &self.sources[at].named {
                if let Some(target) = self.target(at, written).filter(|target| *target != at) {
                    found.entry(target).or_insert(*line);
                }
            }
            found
        };
        (0..self.sources.len()).map(of).collect()
    }
}

impl Source {
    fn read(path: &Path, module: Vec<String>) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let mut reader = Reader::default();
        reader.visit_file(&file);
        let Reader { named, passed_on, macros } = reader;
        Self { path: shown, module, named, passed_on, macros }
    }
}

#[derive(Default)]
struct Reader {
    named: Vec<(Written, usize)>,
    passed_on: BTreeMap<String, Written>,
    macros: Vec<(String, usize)>,
}

/// Whether an item is there for tests alone.
fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|own| {
        let text = quote::quote!(#own).to_string().replace(' ', "");
        text == "#[cfg(test)]" || text == "#[test]"
    })
}

fn line(span: proc_macro2::Span) -> usize {
    span.start().line
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_of_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let at = line(item.use_token.span);
        let is_passed_on = !matches!(item.vis, Visibility::Inherited);
        for (written, name) in flattened(&item.tree, &[]) {
            if is_passed_on {
                self.passed_on.insert(name, written);
            } else {
                self.named.push((written, at));
            }
        }
    }

    /// `pub(super)` names nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first() {
            let written = path.segments.iter().map(|part| part.ident.to_string()).collect();
            self.named.push((written, line(first.ident.span())));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        if let Some(last) = call.path.segments.last() {
            self.macros.push((last.ident.to_string(), line(last.ident.span())));
        }
        self.words(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

impl Reader {
    /// Enters the paths among a macro's words: names with two colons between them.
    fn words(&mut self, tokens: proc_macro2::TokenStream) {
        use proc_macro2::TokenTree;
        let mut written: Vec<String> = Vec::new();
        let (mut at, mut colons) = (0, 0);
        let mut all = tokens.into_iter().peekable();
        while let Some(token) = all.next() {
            match token {
                // A visibility is no use of what it names.
                TokenTree::Ident(word) if word == "pub" => {
                    self.enter(&mut written, at);
                    colons = 0;
                    all.next_if(|next| matches!(next, TokenTree::Group(_)));
                }
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.enter(&mut written, at);
                        at = line(word.span());
                    }
                    written.push(word.to_string());
                    if all.peek().is_some_and(|next| next.to_string() == "!") {
                        self.macros.push((word.to_string(), line(word.span())));
                    }
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.enter(&mut written, at);
                    colons = 0;
                    self.words(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.enter(&mut written, at);
                    colons = 0;
                }
            }
        }
        self.enter(&mut written, at);
    }

    fn enter(&mut self, written: &mut Vec<String>, at: usize) {
        if !written.is_empty() {
            self.named.push((std::mem::take(written), at));
        }
    }
}

/// The paths of a `use`, each with the name that it gives.
fn flattened(tree: &UseTree, before: &[String]) -> Vec<(Written, String)> {
    let with = |word: &syn::Ident| -> Written {
        before.iter().cloned().chain([word.to_string()]).collect()
    };
    match tree {
        UseTree::Path(path) => flattened(&path.tree, &with(&path.ident)),
        UseTree::Group(group) => {
            group.items.iter().flat_map(|tree| flattened(tree, before)).collect()
        }
        UseTree::Glob(_) => vec![(before.to_vec(), "*".to_owned())],
        UseTree::Rename(own) => vec![(named(with(&own.ident)), own.rename.to_string())],
        UseTree::Name(own) => {
            let written = named(with(&own.ident));
            let name = written.last().cloned().unwrap_or_default();
            vec![(written, name)]
        }
    }
}

/// `use a::{self}` names `a`.
fn named(mut written: Written) -> Written {
    if written.len() > 1 && written.last().is_some_and(|word| word == "self") {
        written.pop();
    }
    written
}
