//! The program from outside: arguments in, output, files and exit codes out.

mod defects;
mod documents;
mod looking;
mod packing;
mod program;
