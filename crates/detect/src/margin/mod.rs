//! Methods that draw a boundary around most of the history.

mod boundary;
mod cache;
mod exp;
mod kernel;
mod one_class_svm;
mod smo;
mod standard;

pub use kernel::{Gamma, GammaRule, Kernel};
pub use one_class_svm::{OneClassSvm, OneClassSvmModel, OneClassSvmSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[one_class_svm::METHOD];
