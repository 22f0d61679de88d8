//! What a person can do about an error, by the flags and commands of this program: the library speaks of
//! facts alone.
//!
//! A file a type of the library's errors, and a row each in [`ADVISERS`]. A file's `match` names every
//! kind, so that a new kind is advised on, or passed over, on purpose. A transparent kind does not stand in
//! the chain of causes: its arm asks the file of what it holds.

mod adopt;
mod datasets;
mod eval;
mod pack;
mod program;
mod recordio;
mod runtime;
mod settings;
mod train;

use super::output::error_line;

type Cause = dyn std::error::Error + 'static;

/// Who advises on a cause, if it is of their type.
static ADVISERS: &[fn(&Cause) -> Option<String>] = &[
    |cause| seen(cause).and_then(program::advice),
    |cause| seen(cause).and_then(settings::advice),
    |cause| seen(cause).and_then(runtime::advice),
    |cause| seen(cause).and_then(pack::advice),
    |cause| seen(cause).and_then(pack::of_shard),
    |cause| seen(cause).and_then(pack::of_not_checked),
    |cause| seen(cause).and_then(datasets::advice),
    |cause| seen(cause).and_then(datasets::of_label),
    |cause| seen(cause).and_then(datasets::of_layout),
    |cause| seen(cause).and_then(recordio::advice),
    |cause| seen(cause).and_then(recordio::of_index),
    |cause| seen(cause).and_then(train::advice),
    |cause| seen(cause).and_then(eval::advice),
];

/// The advice on an error and on its causes, from the outermost in.
pub(super) fn of(error: &Cause) -> Vec<String> {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.filter_map(|cause| ADVISERS.iter().find_map(|advise| advise(cause))).collect()
}

/// An error in one line, with its causes and the advice, for a report that goes on after it.
pub(super) fn told(error: &Cause) -> String {
    error_line(error, &of(error))
}

/// The cause as an error of a type, which may lie in a box.
fn seen<E: std::error::Error + 'static>(cause: &Cause) -> Option<&E> {
    let boxed = || cause.downcast_ref::<Box<E>>().map(|error| &**error);
    cause.downcast_ref().or_else(boxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::error::Error;
    use qgface_data::pack::verify_order::NotChecked;
    use qgface_data::{demo, eval, runtime, train};

    fn not_found() -> runtime::Error {
        runtime::Error::NotFound { passed_over: Vec::new() }
    }

    #[test]
    fn what_a_proof_leaves_out_is_told_with_what_would_let_it_compare_more() {
        let list = "the list it was made from; --list names it";
        assert_eq!(told(&NotChecked::List), list);
        assert_eq!(told(&NotChecked::Records), NotChecked::Records.to_string());
    }

    #[test]
    fn advice_is_found_below_transparent_errors() {
        let install = of(&not_found());
        assert!(install.len() == 1 && install[0].contains("runtime install"), "{install:?}");
        let eval = || Box::new(eval::Error::from(not_found()));
        let train = Box::new(train::Error::Eval(eval()));
        for error in [
            Error::Runtime(not_found()),
            Error::Eval(eval()),
            Error::Demo(demo::Error::Train(train)),
        ] {
            assert_eq!(of(&error), install, "{error:?}");
        }
    }

    #[test]
    fn the_advice_of_a_cause_in_a_box_is_found() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] Box<runtime::Error>);
        assert_eq!(of(&Outer(Box::new(not_found()))), of(&not_found()));
    }
}
