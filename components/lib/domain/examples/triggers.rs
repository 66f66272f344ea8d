//! Prints the triggers for the tables named as arguments, to be pasted into the migration that makes them.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    for table in std::env::args().skip(1) {
        println!("{}", sam_domain::effects::triggers(&table));
    }
}
