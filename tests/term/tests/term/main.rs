//! Real shells on real terminals behind the real supervisor, looked at over real WebSockets.
#![cfg(test)]

mod container;
mod faults;
mod flow;
mod shells;
mod supervisors;
mod viewers;
