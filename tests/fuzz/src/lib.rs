//! Fuzz targets for every parser and decoder of the program: what they are fed to is `feeds`, which the
//! hostile corpus of the program's own tests goes through too.

pub mod feeds;
