//! Attacks of single accounts on everybody else, found by flooding a node (`scripts/soak flood`).

mod turns;
mod unread_lists;
