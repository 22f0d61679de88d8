//! Large tensors as rows, and what is computed of them row by row: what is made on the way then
//! stays in a processor's cache. An update took half the time.

use super::emitter::integer;
use super::lowering::{Lowering, Rows, info, model};
use super::problem::Arrangement;
use crate::graph::Graph;
use crate::onnx::{self, Attribute, AttributeType};

/// Elements of a row at most; a row of each tensor that is read and made fits the last cache.
const LARGEST_ROW: usize = 1 << 18;

/// Rows may be shorter by this factor where fewer do not come out even.
const SHORTEST: usize = 8;

/// The rows that a tensor of a shape is kept as; none where it is no longer than one row, or where
/// rows of no sensible length come out even.
pub fn rows_of(shape: &[usize]) -> Option<[usize; 2]> {
    let elements: usize = shape.iter().product();
    let fewest = elements.div_ceil(LARGEST_ROW);
    if fewest < 2 {
        return None;
    }
    let count = (fewest..=fewest * SHORTEST).find(|count| elements.is_multiple_of(*count))?;
    Some([count, elements / count])
}

/// Writes a graph as [`super::lower`] does, but that the inputs named in `rows` lie as rows, and images
/// and all else as arranged.
///
/// # Panics
/// Where the arrangement names a formulation that there is not.
pub fn lower_with_rows(
    graph: &Graph,
    name: &str,
    rows: &Rows,
    arrangement: &Arrangement,
) -> onnx::Model {
    model(lowered(graph, name, rows, &[], arrangement))
}

fn lowered(
    graph: &Graph,
    name: &str,
    rows: &Rows,
    by_row: &[ByRow],
    arrangement: &Arrangement,
) -> onnx::Graph {
    let mut lowering = Lowering::new(graph, arrangement);
    lowering.rows = Some(rows);
    lowering.nodes();
    let own = graph.inputs().into_iter().map(|(_, node)| {
        let shape = rows.get(&node.name).map_or(&node.shape[..], |rows| rows);
        info(&node.name, node.element, shape, None)
    });
    let (mut inputs, mut outputs): (Vec<onnx::ValueInfo>, _) = (own.collect(), Vec::new());
    for part in by_row {
        lowering.scan(part, &mut inputs, &mut outputs);
    }
    let mut graph = lowering.finish(name, inputs, None);
    graph.output.extend(outputs);
    graph
}

/// What is computed of each row of some tensors.
#[derive(Debug, Clone)]
pub struct ByRow {
    /// Of inputs `[elements]`, which are rows, and numbers `[]`, the same for all rows and inputs of
    /// the graph around it as well; its outputs are `[elements]`.
    pub body: Graph,
    /// Number of rows.
    pub count: usize,
    /// Inputs that lie in another shape than as rows, and that shape.
    pub whole: Vec<(String, Vec<usize>)>,
}

/// Writes a graph as [`super::lower`] does, and beside it what is computed row by row, with inputs
/// and outputs `[count, elements]`.
///
/// # Panics
/// When an input of a body is neither a row nor a number, or an output is no row.
pub fn lower_by_row(graph: &Graph, name: &str, by_row: &[ByRow]) -> onnx::Model {
    model(lowered(graph, name, &Rows::new(), by_row, &Arrangement::default()))
}

impl Lowering<'_> {
    fn scan(
        &mut self,
        part: &ByRow,
        inputs: &mut Vec<onnx::ValueInfo>,
        outputs: &mut Vec<onnx::ValueInfo>,
    ) {
        let mut body = lowered(&part.body, "row", &Rows::new(), &[], &Arrangement::default());
        let (mut scanned, mut around) = (Vec::new(), Vec::new());
        for (_, node) in part.body.inputs() {
            let rows = match node.shape[..] {
                [] => {
                    around.push(node.name.as_str());
                    continue;
                }
                [elements] => [part.count, elements],
                _ => panic!("{} is neither a row nor a number", node.name),
            };
            match part.whole.iter().find(|(name, _)| *name == node.name) {
                Some((name, shape)) => {
                    inputs.push(info(name, node.element, shape, None));
                    self.emitter.begin(name);
                    scanned.push(self.emitter.reshape(name, &rows));
                }
                None => {
                    inputs.push(info(&node.name, node.element, &rows, None));
                    scanned.push(node.name.clone());
                }
            }
        }
        body.input.retain(|input| !around.contains(&input.name.as_str()));
        let returned: Vec<String> = body.output.iter().map(|output| output.name.clone()).collect();
        for (name, value) in part.body.outputs() {
            let node = part.body.node(*value);
            let [elements] = node.shape[..] else { panic!("{name} is no row") };
            outputs.push(info(name, node.element, &[part.count, elements], None));
        }
        rename(&mut body, &around);
        let kind = AttributeType::Graph as i32;
        let body = Attribute {
            name: "body".to_owned(),
            g: Some(Box::new(body)),
            kind,
            ..Attribute::default()
        };
        self.emitter.nodes.push(onnx::Node {
            name: format!("{}/Scan", returned[0]),
            op_type: "Scan".to_owned(),
            attribute: vec![integer("num_scan_inputs", scanned.len() as i64), body],
            input: scanned,
            output: returned,
            ..onnx::Node::default()
        });
    }
}

/// Gives the values of a body names that those around it have not; what it reads from there keeps
/// its own.
fn rename(body: &mut onnx::Graph, around: &[&str]) {
    let nodes = body.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
    let infos = body.input.iter_mut().chain(&mut body.output).map(|info| &mut info.name);
    let constants = body.initializer.iter_mut().map(|constant| &mut constant.name);
    for name in nodes.chain(infos).chain(constants) {
        if !around.contains(&name.as_str()) {
            name.insert_str(0, "row/");
        }
    }
}
