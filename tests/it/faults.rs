//! Faults under load: what clients were told and shown is held against what is stored.

mod checker;
mod dice;
mod heal;
mod mutants;
mod proxy;
