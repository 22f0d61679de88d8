//! Numbers that a model keeps in files beside it: which files those are, and whether they may be opened.
//!
//! A model names its files itself, and nobody vouches for it. So all of its tensors are looked at,
//! whatever message holds them, and a name must lead to an ordinary file in the model's own folder: a
//! device or a pipe would never end, and a path elsewhere is none of the model's business.

use super::Error;
use super::proto::{Attribute, Function, Graph, Model, Node, SparseTensor, Tensor, TrainingInfo};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Bytes that all files of a model may hold together: a hundred times the largest network of faces.
const MOST_BYTES: u64 = 64 << 30;

/// What names begin with that are addresses in memory to ONNX Runtime, and no files.
const ADDRESS: &str = "*/";

impl Model {
    /// All tensors: constants of graphs, of the graphs and nodes inside them, of functions and of training.
    pub fn tensors(&self) -> Vec<&Tensor> {
        let mut found = Vec::new();
        self.graph.iter().for_each(|graph| of_graph(graph, &mut found));
        for TrainingInfo { initialization, algorithm, .. } in &self.training_info {
            initialization.iter().chain(algorithm).for_each(|graph| of_graph(graph, &mut found));
        }
        for Function { node, attribute_proto, .. } in &self.functions {
            of_nodes(node, &mut found);
            of_attributes(attribute_proto, &mut found);
        }
        found
    }

    /// Names of the files beside the model that hold numbers of its tensors, each once, in the order of
    /// the alphabet.
    pub fn external_files(&self) -> Vec<&str> {
        let entries = self.tensors().into_iter().flat_map(|tensor| &tensor.external_data);
        let named = entries.filter(|entry| entry.key == "location");
        let mut files: Vec<&str> = named.map(|entry| entry.value.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The same as paths, for the model at `path`.
    ///
    /// # Errors
    /// [`Error::External`] for what is no ordinary file in the model's folder, and for files that hold more
    /// than any model has.
    pub fn external_paths(&self, path: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut left = MOST_BYTES;
        let mut paths = Vec::new();
        for file in self.external_files() {
            let refused = |(expected, found)| Error::External {
                path: path.to_path_buf(),
                file: file.to_owned(),
                expected,
                found,
            };
            let (own, bytes) = ordinary(path, file).map_err(refused)?;
            let expected = "at most 64 GiB in all files of a model";
            left = left.checked_sub(bytes).ok_or_else(|| refused((expected, "more".to_owned())))?;
            paths.push(own);
        }
        Ok(paths)
    }
}

/// The path of an ordinary file that a model may name, and its length; or what was expected and found.
fn ordinary(model: &Path, file: &str) -> Result<(PathBuf, u64), (&'static str, String)> {
    const PLAIN: &str = "a relative path without .., to a file in the model's folder";
    const FILE: &str = "a file beside the model; fetch it, or export the model again";
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if file.is_empty() || file.starts_with(ADDRESS) || file.contains('\0') {
        return Err((PLAIN, "none".to_owned()));
    }
    if !Path::new(file).components().all(is_plain) {
        return Err((PLAIN, "a path that leads out of it".to_owned()));
    }
    let folder = match model.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let path = folder.join(file);
    let (real, kind) =
        match fs::canonicalize(&path).and_then(|real| Ok((fs::metadata(&real)?, real))) {
            Ok((kind, real)) => (real, kind),
            Err(error) => return Err((FILE, error.to_string())),
        };
    // A model that is itself a link, as a hub's cache makes them, may have its files beside its target.
    let target = fs::canonicalize(model).ok();
    let own = [fs::canonicalize(folder).ok(), target.and_then(|path| Some(path.parent()?.into()))];
    if !own.iter().flatten().any(|own: &PathBuf| real.starts_with(own)) {
        return Err((PLAIN, format!("a link to {}", real.display())));
    }
    match kind.is_file() {
        true => Ok((path, kind.len())),
        false => Err((FILE, "a folder, a device or a pipe".to_owned())),
    }
}

fn of_graph<'a>(graph: &'a Graph, found: &mut Vec<&'a Tensor>) {
    found.extend(&graph.initializer);
    of_sparse(&graph.sparse_initializer, found);
    of_nodes(&graph.node, found);
}

fn of_nodes<'a>(nodes: &'a [Node], found: &mut Vec<&'a Tensor>) {
    nodes.iter().for_each(|node| of_attributes(&node.attribute, found));
}

/// The decoder bounds how deep graphs lie in graphs.
fn of_attributes<'a>(attributes: &'a [Attribute], found: &mut Vec<&'a Tensor>) {
    for Attribute { t, tensors, g, graphs, sparse_tensor, sparse_tensors, .. } in attributes {
        found.extend(t.as_deref());
        found.extend(tensors);
        of_sparse(sparse_tensor.as_deref(), found);
        of_sparse(sparse_tensors, found);
        g.as_deref().into_iter().chain(graphs).for_each(|graph| of_graph(graph, found));
    }
}

fn of_sparse<'a>(tensors: impl IntoIterator<Item = &'a SparseTensor>, found: &mut Vec<&'a Tensor>) {
    for SparseTensor { values, indices, .. } in tensors {
        found.extend(values.iter().chain(indices));
    }
}

#[cfg(test)]
mod tests {
    use super::super::proto::{Entry, Location};
    use super::*;
    use std::os::unix::fs::symlink;

    fn outside(file: &str) -> Tensor {
        let entry = Entry { key: "location".into(), value: file.into() };
        Tensor {
            external_data: vec![entry],
            data_location: Location::External as i32,
            ..Tensor::default()
        }
    }

    fn constant(file: &str) -> Node {
        let t = Some(Box::new(outside(file)));
        Node { attribute: vec![Attribute { t, ..Attribute::default() }], ..Node::default() }
    }

    #[test]
    fn a_tensor_is_found_whatever_message_holds_it() {
        let graph = |file: &str| Graph { node: vec![constant(file)], ..Graph::default() };
        let sparse = |values: &str, indices: &str| SparseTensor {
            values: Some(outside(values)),
            indices: Some(outside(indices)),
            ..SparseTensor::default()
        };
        let attribute = Attribute {
            tensors: vec![outside("b")],
            g: Some(Box::new(graph("c"))),
            graphs: vec![graph("d")],
            sparse_tensor: Some(Box::new(sparse("e", "f"))),
            sparse_tensors: vec![sparse("g", "h")],
            ..Attribute::default()
        };
        let own = Graph {
            node: vec![constant("a"), Node { attribute: vec![attribute], ..Node::default() }],
            initializer: vec![outside("i")],
            sparse_initializer: vec![sparse("j", "k")],
            ..Graph::default()
        };
        let function = Function {
            node: vec![constant("l")],
            attribute_proto: constant("m").attribute,
            ..Function::default()
        };
        let training = TrainingInfo {
            initialization: Some(graph("n")),
            algorithm: Some(graph("o")),
            ..TrainingInfo::default()
        };
        let model = Model {
            ir_version: 10,
            graph: Some(own),
            functions: vec![function],
            training_info: vec![training],
            ..Model::default()
        };
        let bytes = model.to_bytes(Path::new("m.onnx")).unwrap();
        let read = Model::parse(bytes.into(), Path::new("m.onnx")).unwrap();
        assert_eq!(read.external_files().concat(), "abcdefghijklmno");
    }

    #[test]
    fn only_ordinary_files_in_the_models_folder_may_be_named() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("model");
        fs::create_dir_all(folder.join("below")).unwrap();
        for file in ["model/w", "model/below/w", "secret"] {
            fs::write(root.path().join(file), "1234").unwrap();
        }
        symlink("w", folder.join("beside")).unwrap();
        symlink("../secret", folder.join("out")).unwrap();
        symlink("..", folder.join("up")).unwrap();
        let fifo = std::process::Command::new("mkfifo").arg(folder.join("fifo")).status();
        assert!(fifo.unwrap().success());
        let open = |file: &str| {
            let graph = Some(Graph { node: vec![constant(file)], ..Graph::default() });
            Model { graph, ..Model::default() }.external_paths(&folder.join("m.onnx"))
        };
        for file in ["w", "./w", "below/w", "beside"] {
            assert_eq!(open(file).unwrap(), [folder.join(file)]);
        }
        for file in [
            "/dev/zero",
            "../secret",
            "below/../../secret",
            "out",
            "up/secret",
            "fifo",
            "below",
            "none",
            "",
            "*/_ORT_MEM_ADDR_/*",
        ] {
            assert!(matches!(open(file), Err(Error::External { .. })), "{file}");
        }
    }

    #[test]
    fn a_model_that_is_a_link_may_have_its_files_beside_its_target() {
        let root = tempfile::tempdir().unwrap();
        let (blobs, shown) = (root.path().join("blobs"), root.path().join("shown"));
        [&blobs, &shown].iter().for_each(|folder| fs::create_dir(folder).unwrap());
        for name in ["m.onnx", "w"] {
            fs::write(blobs.join(name), "1234").unwrap();
            symlink(blobs.join(name), shown.join(name)).unwrap();
        }
        let graph = Some(Graph { initializer: vec![outside("w")], ..Graph::default() });
        let model = Model { graph, ..Model::default() };
        assert_eq!(model.external_paths(&shown.join("m.onnx")).unwrap(), [shown.join("w")]);
    }

    #[test]
    fn more_bytes_than_any_model_has_are_refused_before_one_is_read() {
        let root = tempfile::tempdir().unwrap();
        fs::File::create(root.path().join("w")).unwrap().set_len(MOST_BYTES + 1).unwrap();
        let graph = Some(Graph { initializer: vec![outside("w")], ..Graph::default() });
        let model = Model { graph, ..Model::default() };
        let error = model.external_paths(&root.path().join("m.onnx")).unwrap_err();
        assert!(error.to_string().contains("at most 64 GiB"), "{error}");
    }
}
