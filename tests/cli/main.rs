//! The program from outside: arguments in, output, files and exit codes out.

mod adopting;
mod aligning;
mod bins;
mod budgets;
mod completing;
mod counting;
mod damage;
mod defects;
mod documents;
mod evaluating;
mod faults;
mod hostile;
mod installing;
mod interrupts;
mod learning;
mod links;
mod looking;
mod models;
mod packing;
mod pages;
mod pictures;
mod program;
mod reporting;
mod settings;
mod support;
mod training;
