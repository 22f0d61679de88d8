//! Every node of every step has a kernel in the pinned CUDA build of ONNX Runtime.
//!
//! `fixtures/onnx/cuda_kernels.csv` lists that build's kernels for the operator set of the
//! lowering. Where they really run is seen on a CUDA device alone (`cargo test-cuda`); a kernel
//! that is missing is seen here. Of the program's own operators those alone have one that cuDNN
//! computes.

use qgface_data::graph::Width;
use qgface_data::graph::lower::{DOMAIN, Layout};
use qgface_data::nn::{
    Architecture, Backbone, ContrastOptions, Coupling, Curve, EmaStart, HeadKind, HeadOptions,
    JointOptions, Margin, Mask, QueueKind, QueueOptions, Range, Select, Sharing, Trunk,
};
use qgface_data::onnx::{ElementType, Model, TypeKind, ValueInfo};
use qgface_data::optim::Sgd;
use qgface_data::runtime::{Device, cudnn_operators};
use qgface_data::train::{Scales, StepGraph, StepOptions};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const KERNELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/onnx/cuda_kernels.csv");

/// Rows of an operator: constraints of its types, each with its name (none where there is one
/// alone).
type Kernels = HashMap<String, Vec<BTreeMap<String, BTreeSet<String>>>>;

fn kernels() -> Kernels {
    let mut kernels = Kernels::new();
    for record in csv::Reader::from_path(KERNELS).unwrap().into_records() {
        let record = record.unwrap();
        let constraints = record[3].split(';').filter(|part| !part.is_empty()).map(|part| {
            let (name, types) = part.split_once('=').unwrap_or(("", part));
            (name.to_owned(), types.split('|').map(str::to_owned).collect())
        });
        kernels.entry(record[0].to_owned()).or_default().push(constraints.collect());
    }
    kernels
}

fn type_name(element: ElementType) -> &'static str {
    match element {
        ElementType::Float => "float",
        ElementType::Float16 => "float16",
        ElementType::Int64 => "int64",
        ElementType::Int32 => "int32",
        ElementType::Bool => "bool",
        other => panic!("no step has {other:?}"),
    }
}

fn element_of(info: &ValueInfo) -> ElementType {
    match &info.r#type.as_ref().unwrap().value {
        Some(TypeKind::Tensor(tensor)) => tensor.elem_type.try_into().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Inputs by which an operator's kernel is chosen, beside its first: the constraint's name and the
/// position.
fn constrained(operator: &str) -> &'static [(&'static str, usize)] {
    match operator {
        "Where" => &[("B", 0), ("T", 1)],
        "Gather" | "GatherElements" | "ScatterElements" | "Slice" => &[("T", 0), ("Tind", 1)],
        "Cast" => &[("T1", 0)],
        _ => &[("", 0), ("T", 0)],
    }
}

/// Nodes without a kernel, by operator and types; adds the operators that are there to `met`.
fn without_kernel(model: &Model, kernels: &Kernels, met: &mut BTreeSet<String>) -> Vec<String> {
    let graph = model.graph();
    let mut types: HashMap<&str, ElementType> = HashMap::new();
    types.extend(graph.input.iter().map(|info| (info.name.as_str(), element_of(info))));
    let constants = graph.initializer.iter();
    types.extend(constants.map(|c| (c.name.as_str(), c.data_type.try_into().unwrap())));
    let mut faults = Vec::new();
    for node in &graph.node {
        met.insert(node.op_type.clone());
        let inputs: Vec<ElementType> = node.input.iter().map(|name| types[name.as_str()]).collect();
        let fits = |row: &BTreeMap<String, BTreeSet<String>>| {
            constrained(&node.op_type).iter().all(|(name, at)| {
                row.get(*name).is_none_or(|allowed| allowed.contains(type_name(inputs[*at])))
            })
        };
        let is_there = match node.domain.as_str() {
            // The same for every type that a step has.
            DOMAIN => cudnn_operators().any(|own| own == node.op_type),
            _ => kernels.get(&node.op_type).is_some_and(|rows| rows.iter().any(fits)),
        };
        if !is_there {
            faults.push(format!("{} ({}) of {inputs:?}", node.name, node.op_type));
        }
        let made = match node.op_type.as_str() {
            "Cast" => node.attribute[0].i.map(|to| (to as i32).try_into().unwrap()).unwrap(),
            "Equal" | "Less" | "LessOrEqual" | "And" | "Or" => ElementType::Bool,
            "Where" => inputs[1],
            _ => inputs[0],
        };
        types.extend(node.output.iter().map(|name| (name.as_str(), made)));
    }
    faults
}

/// A step for every value of every option, each at least once.
fn steps() -> Vec<StepOptions> {
    let heads = [
        HeadKind::Softmax,
        HeadKind::CosFace,
        HeadKind::ArcFace,
        HeadKind::AdaFace,
        HeadKind::CurricularFace { eps: 1e-3, fallback: false },
        HeadKind::CurricularFace { eps: 0.0, fallback: true },
    ];
    let defaults = ContrastOptions::default();
    let contrasts = [
        None,
        Some(defaults),
        Some(ContrastOptions { curve: Curve::Cos, select: Select::Mean, ..defaults }),
        Some(ContrastOptions { curve: Curve::Linear, range: Range::Whole, ..defaults }),
        Some(ContrastOptions {
            curve: Curve::Cos,
            range: Range::Whole,
            select: Select::High,
            coupling: Coupling::One,
            mask: Mask::SameClass,
            detach_pos: true,
            margin: Margin::Dynamic,
            rescale: false,
            ..defaults
        }),
        Some(ContrastOptions { margin: Margin::Static(0.1), ..defaults }),
    ];
    let mut steps = Vec::new();
    for (at, (kind, contrast)) in heads.into_iter().zip(contrasts).enumerate() {
        let kinds = [QueueKind::Proxy, QueueKind::Fifo];
        let queue = QueueOptions { kind: kinds[at / 2 % 2], size: 40 };
        let starts = [EmaStart::Zero, EmaStart::FirstBatch];
        let head = HeadOptions { ema_start: starts[at % 2], ..HeadOptions::new(kind) };
        steps.push(StepOptions {
            backbone: Backbone::new([Architecture::Ir18, Architecture::Ir50][at % 2], 1.0),
            joint: JointOptions { head, contrast: contrast.map(|contrast| (contrast, queue)) },
            classes: 100,
            batch: 4,
            accumulate: 1,
            views: if contrast.is_some() { 2 } else { 1 },
            scales: [Scales::Fed, Scales::Fixed { head: 0.3, contrast: 0.3 }][at % 2],
            sgd: Sgd::default(),
            sharing: Sharing::default(),
            sample: None,
        });
    }
    steps
}

/// A network of each family.
fn families() -> impl Iterator<Item = StepOptions> {
    let usual = steps().remove(0);
    let networks = [
        Architecture::Ir152,
        Architecture::IrSe50,
        Architecture::ArcfaceR18,
        Architecture::ArcfaceMbf,
        Architecture::ArcfaceVitTiny,
    ];
    networks.into_iter().map(move |own| {
        let mut backbone = Backbone::new(own, 0.25);
        if let Trunk::Vit(vit) = &mut backbone.trunk {
            (vit.drop_path, vit.mask_ratio) = (0.1, 0.1);
        }
        StepOptions { backbone, ..usual.clone() }
    })
}

#[test]
fn every_node_of_every_step_has_a_cuda_kernel() {
    let (kernels, mut met) = (kernels(), BTreeSet::new());
    let layouts = [
        (Layout::Planes, Width::Whole),
        (Layout::VendorPlanes, Width::Whole),
        (Layout::Planes, Width::Half),
        (Layout::VendorPlanes, Width::Half),
    ];
    let all = steps().into_iter().chain(families());
    for (options, (layout, width)) in
        all.flat_map(|own| layouts.map(|layout| (own.clone(), layout)))
    {
        let step = StepGraph::in_width(options, width).unwrap();
        let lowered = step.lowered(Device::Cuda(0), &layout.into());
        for model in [lowered.gradients, lowered.update] {
            let faults = without_kernel(&model, &kernels, &mut met);
            assert!(faults.is_empty(), "{width:?} in {layout:?}: {}", faults.join("\n"));
        }
    }
    // A list that matched nothing would prove nothing.
    assert!(met.contains("Conv") && met.len() > 30, "{met:?}");
    let own: Vec<_> = met.iter().filter(|own| own.starts_with("Cudnn")).collect();
    let expected = [
        "CudnnBatchNorm",
        "CudnnBatchNormGradient",
        "CudnnConvInputGradient",
        "CudnnConvInputGradient16",
        "CudnnConvWeightGradient",
        "CudnnConvWeightGradient16",
    ];
    assert_eq!(own, expected);
}

/// In steps by cuDNN every convolution and every normalisation of images is the library's, in both widths.
#[test]
fn steps_by_cudnn_have_its_operators_for_every_image() {
    for (width, convolution) in [(Width::Whole, ""), (Width::Half, "16")] {
        are_by_cudnn(&StepGraph::in_width(steps().remove(0), width).unwrap(), convolution);
    }
}

fn are_by_cudnn(step: &StepGraph, suffix: &str) {
    let [stock, own] = [Layout::Planes, Layout::VendorPlanes]
        .map(|layout| step.lowered(Device::Cuda(0), &layout.into()).gradients);
    let count = |model: &Model, operator: &str| {
        model.graph().node.iter().filter(|node| node.op_type == operator).count()
    };
    // An IR-18: the stem's, and for each of 8 blocks two convolutions and for 3 of them one more; as
    // many normalisations before and behind them, and one before the embedding.
    let convolutions = 1 + 8 * 2 + 3;
    assert_eq!(count(&own, "Conv"), convolutions);
    assert_eq!(count(&own, &format!("CudnnConvWeightGradient{suffix}")), convolutions);
    // Nobody asks for the gradient by the images that come in.
    assert_eq!(count(&own, &format!("CudnnConvInputGradient{suffix}")), convolutions - 1);
    let normal = count(&own, "CudnnBatchNorm");
    assert_eq!(count(&own, "CudnnBatchNormGradient"), normal);
    // Those of the features are in ONNX's operators.
    assert_eq!(count(&stock, "BatchNormalization"), normal * 2 + 2);
    assert_eq!(count(&own, "BatchNormalization"), 2);
    // In half width there are as many casts in both.
    assert!(suffix == "16" || own.graph().node.len() < stock.graph().node.len() / 2);
}

#[test]
fn an_operator_of_the_processor_has_no_cuda_kernel() {
    let (kernels, mut met) = (kernels(), BTreeSet::new());
    let step = StepGraph::new(steps().remove(0)).unwrap();
    let pixels = step.lowered(Device::Cpu, &Layout::Pixels.into()).gradients;
    let faults = without_kernel(&pixels, &kernels, &mut met);
    let own = |fault: &String| fault.contains("(Channel") || fault.contains("(Dnnl");
    assert!(faults.len() > 50 && faults.iter().all(own), "{faults:?}");
}

#[test]
fn an_operator_without_a_kernel_is_found() {
    let (mut kernels, mut met) = (kernels(), BTreeSet::new());
    assert!(!kernels.contains_key("Acos") && kernels.remove("Conv").is_some());
    let step = StepGraph::new(steps().remove(3)).unwrap();
    let faults = without_kernel(
        &step.lowered(Device::Cuda(0), &Layout::Planes.into()).gradients,
        &kernels,
        &mut met,
    );
    assert!(faults.iter().all(|fault| fault.contains("(Conv)")) && faults.len() > 20, "{faults:?}");
}
