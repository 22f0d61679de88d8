//! Parameters of nodes, read with the format's defaults; `None` where a node says something else than what
//! it may.

use crate::onnx::{Attribute, AttributeType, Node};

/// The parameter of a name.
pub(super) fn find<'a>(node: &'a Node, name: &str) -> Option<&'a Attribute> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// An integer.
pub(super) fn int(node: &Node, name: &str, default: i64) -> Option<i64> {
    find(node, name).map_or(Some(default), |own| own.i)
}

/// A float.
pub(super) fn float(node: &Node, name: &str, default: f32) -> Option<f32> {
    find(node, name).map_or(Some(default), |own| own.f)
}

/// As many integers as the default, none below `least` and none so large that sums overflow.
pub(super) fn sizes<const N: usize>(
    node: &Node,
    name: &str,
    least: usize,
    default: [usize; N],
) -> Option<[usize; N]> {
    const LARGEST: usize = 1 << 16;
    let Some(own) = find(node, name) else { return Some(default) };
    let sizes: Option<Vec<usize>> = own
        .ints
        .iter()
        .map(|&int| usize::try_from(int).ok().filter(|own| (least..=LARGEST).contains(own)))
        .collect();
    sizes?.try_into().ok()
}

/// Whether a text is the expected one, which is also what it means where there is none.
pub(super) fn says(node: &Node, name: &str, expected: &str) -> bool {
    find(node, name).is_none_or(|own| own.s.as_deref() == Some(expected.as_bytes()))
}

pub(super) fn of_ints(name: &str, ints: &[usize]) -> Attribute {
    let ints = ints.iter().map(|&int| int as i64).collect();
    let kind = AttributeType::Ints as i32;
    Attribute { name: name.to_owned(), ints, kind, ..Attribute::default() }
}

pub(super) fn of_floats(name: &str, floats: &[f32]) -> Attribute {
    let kind = AttributeType::Floats as i32;
    Attribute { name: name.to_owned(), floats: floats.to_vec(), kind, ..Attribute::default() }
}

pub(super) fn of_int(name: &str, int: usize) -> Attribute {
    let kind = AttributeType::Int as i32;
    Attribute { name: name.to_owned(), i: Some(int as i64), kind, ..Attribute::default() }
}
