//! Methods that judge each reading against the recent past, or look for the
//! moment at which the past ended.

mod bocpd;
mod cusum;
mod ewma;
mod page_hinkley;
mod side;

pub use bocpd::{Bocpd, BocpdSettings};
pub use cusum::{Cusum, CusumSettings, Reference, Run};
pub use ewma::{EwmaSettings, EwmaZScore};
pub use page_hinkley::{PageHinkley, PageHinkleySettings};
pub use side::Side;

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[ewma::METHOD, cusum::METHOD, page_hinkley::METHOD, bocpd::METHOD];
