//! The program from outside: arguments in, output, files and exit codes out.

mod damage;
mod defects;
mod documents;
mod faults;
mod interrupts;
mod looking;
mod packing;
mod program;
mod support;
