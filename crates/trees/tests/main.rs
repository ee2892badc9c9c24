//! Tests of trees and forests as a user meets them.

mod golden_trees;
mod growing;
