//! Methods that draw a boundary around most of the history.

mod boundary;
mod cache;
mod descent;
mod exp;
mod fourier;
mod kernel;
mod one_class_svm;
mod scalable;
mod scalable_online;
mod smo;
mod standard;

pub use kernel::{Gamma, GammaRule, Kernel};
pub use one_class_svm::{OneClassSvm, OneClassSvmModel, OneClassSvmSettings};
pub use scalable::{
    OneClassSvmScalable, OneClassSvmScalableModel, OneClassSvmScalableSettings, ScalableKernel,
};
pub use scalable_online::OnlineOneClassSvm;

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[one_class_svm::METHOD, scalable::METHOD];
