//! Models from models: the same numbers but for rounding, by operators that are faster where these run.
//!
//! A rewriting takes any model and either makes another, of the same inputs and outputs, or says why it
//! leaves this one alone. What it does not know, it keeps as it is. Start at [`pixels`].

mod attributes;
mod constants;
mod fitness;
mod held;
mod layer;
mod pass;
mod pixels;
mod reading;
mod refusal;
mod values;

#[cfg(test)]
mod tests;

pub use pixels::pixels;
pub use refusal::Refusal;
