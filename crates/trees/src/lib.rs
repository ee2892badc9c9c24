//! Decision trees and random forests, for classes and for numbers.
