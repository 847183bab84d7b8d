//! Delivery traces of messages, for administrators: when a message was stored, which nodes pushed it to how many
//! sockets, and who has received and read it; never its content.
//!
//! Tracing writes nothing when messages are sent or delivered: Redis has the receipts, and nodes remember their latest
//! pushes and are asked for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::audit::{Act, Operator, Target, record};
use crate::domain::{
    Error, Message, MessageId, MessageKind, Receipts, Result, RoomHead, RoomId, RoomKind, Seq, Status, UserId, UserRef,
};
use crate::store::{NodeTrace, Store, StoredTrace};

/// How long nodes may take to answer.
const NODES_ANSWER: Duration = Duration::from_secs(1);
/// Capacity of the queue of answers; each node sends one.
const MAX_ANSWERS: usize = 256;

/// Where a message is.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its id, with the time of storing.
    pub id: MessageId,
    /// Its kind.
    pub kind: MessageKind,
    /// Its sender.
    pub sender: UserRef,
    /// Its room.
    pub room: RoomHead,
    /// The name of the room; empty for a direct room.
    pub room_name: String,
    /// Whether it was announced to the nodes.
    pub is_announced: bool,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// Its status; `None` in rooms without receipts.
    pub status: Option<Status>,
    /// Its recipients; empty in rooms without receipts.
    pub recipients: Vec<Recipient>,
    /// The answers of the nodes, ordered by id.
    pub nodes: Vec<NodeTrace>,
    /// The ids of the nodes that run and did not answer in time.
    pub silent: Vec<String>,
}

/// A recipient of a message.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The user, with the present name.
    pub user: UserRef,
    /// Whether the user is still a member.
    pub is_member: bool,
    /// The status of the message for this user.
    pub status: Status,
    /// When the user first read it, UTC milliseconds.
    pub read_at_ms: Option<u64>,
}

/// The node's questions to all nodes that await answers.
#[derive(Default)]
pub struct Questions(Mutex<HashMap<u64, mpsc::Sender<NodeTrace>>>);

/// A question, which is forgotten when this is dropped.
struct Question {
    number: u64,
    questions: Arc<Questions>,
    answers: mpsc::Receiver<NodeTrace>,
}

impl Questions {
    /// Accepts a node's answer if it is to a question of this node. Never waits.
    pub fn answer(&self, question: u64, trace: &NodeTrace) {
        let waiting = self.0.lock().expect("no panic while held").get(&question).cloned();
        if let Some(waiting) = waiting {
            // Beyond the bound a node counts as one that did not answer.
            waiting.try_send(trace.clone()).ok();
        }
    }
}

impl Question {
    fn new(questions: &Arc<Questions>) -> Self {
        let (number, (sender, answers)) = (fastrand::u64(..), mpsc::channel(MAX_ANSWERS));
        questions.0.lock().expect("no panic while held").insert(number, sender);
        Self { number, questions: Arc::clone(questions), answers }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.questions.0.lock().expect("no panic while held").remove(&self.number);
    }
}

/// Traces messages.
pub struct Traces {
    store: Store,
    questions: Arc<Questions>,
}

impl Traces {
    pub(super) fn new(store: Store, questions: Arc<Questions>) -> Self {
        Self { store, questions }
    }

    /// Traces a message; `None` stands for an id that no message has. Asks all nodes and waits up to a second.
    ///
    /// # Errors
    /// `Forbidden`; `MessageNotFound`, also for a message that was trimmed or has expired.
    pub async fn trace(&self, operator: &Operator<'_>, message: Option<(RoomId, Seq)>) -> Result<Trace> {
        operator.administer(&self.store).await?;
        let (room, seq) = message.ok_or(Error::MessageNotFound)?;
        let (_, kind, name) = self.store.room_names(&[room]).await?.pop().ok_or(Error::MessageNotFound)?;
        let room_name = if kind == RoomKind::Direct { String::new() } else { name };
        record(&self.store, operator, Act::Trace, Some(Target::Room(room, room_name.clone()))).await?;
        let StoredTrace { message, head, is_announced, is_deleted, receipts } =
            self.store.stored_trace(room, seq).await?;
        let (recipients, answered) = tokio::join!(self.recipients(&message, &receipts), self.ask(message.id));
        let (recipients, (nodes, silent)) = (recipients?, answered?);
        let has_receipts = !(receipts.members.is_empty() && recipients.is_empty());
        Ok(Trace {
            id: message.id,
            kind: message.kind,
            room: head,
            room_name,
            is_announced,
            is_deleted,
            status: has_receipts.then(|| receipts.status(&message)),
            recipients,
            nodes,
            silent,
            sender: message.sender,
        })
    }

    /// Those who were members when the message was stored, or have received it since, in the order of joining.
    async fn recipients(&self, message: &Message, receipts: &Receipts) -> Result<Vec<Recipient>> {
        let recipients = expected(receipts, message.id.entry.at_ms, message.id.entry.seq);
        let recipients: Vec<_> = recipients.into_iter().filter(|(user, _)| *user != message.sender.id).collect();
        let users: Vec<UserId> = recipients.iter().map(|(user, _)| *user).collect();
        let names = self.store.names(&users).await?;
        let mut names: HashMap<UserId, String> = names.into_iter().map(|user| (user.id, user.name)).collect();
        let shown = recipients.into_iter().map(|(id, is_member)| {
            let (status, read_at_ms) = standing(receipts, id, message.id.entry.seq);
            let user = UserRef { id, name: names.remove(&id).unwrap_or_default() };
            Recipient { user, is_member, status, read_at_ms }
        });
        Ok(shown.collect())
    }

    /// Asks all nodes. Returns what they answered, and the nodes that did not.
    async fn ask(&self, message: MessageId) -> Result<(Vec<NodeTrace>, Vec<String>)> {
        let mut silent: BTreeSet<String> = self.store.running_nodes().await?.into_iter().collect();
        // Without reports it is not known who is to answer.
        let are_known = !silent.is_empty();
        let mut question = Question::new(&self.questions);
        let deadline = Instant::now() + NODES_ANSWER;
        self.store.ask_nodes(question.number, message).await?;
        let mut nodes: Vec<NodeTrace> = Vec::new();
        while !(are_known && silent.is_empty()) {
            let Ok(Some(trace)) = timeout_at(deadline, question.answers.recv()).await else { break };
            silent.remove(&trace.node);
            if !nodes.iter().any(|other| other.node == trace.node) {
                nodes.push(trace);
            }
        }
        nodes.sort_by(|a, b| a.node.cmp(&b.node));
        Ok((nodes, silent.into_iter().collect()))
    }
}

/// Those who were members when a message was stored, and then those who have it although they are not, each with whether
/// they are members now.
fn expected(receipts: &Receipts, at_ms: u64, seq: Seq) -> Vec<(UserId, bool)> {
    let mut users: Vec<(UserId, bool)> = receipts
        .members
        .iter()
        .filter(|(_, joined_at_ms)| *joined_at_ms <= at_ms)
        .map(|(user, _)| (*user, true))
        .collect();
    let known: BTreeSet<UserId> = receipts.read.keys().chain(receipts.delivered.keys()).copied().collect();
    for user in known {
        let is_listed = users.iter().any(|(listed, _)| *listed == user);
        if !is_listed && standing(receipts, user, seq).0 != Status::Sent {
            users.push((user, receipts.members.iter().any(|(member, _)| *member == user)));
        }
    }
    users
}

/// How far a message is with a user, and when the user read it.
fn standing(receipts: &Receipts, user: UserId, seq: Seq) -> (Status, Option<u64>) {
    let read_at_ms = receipts.read.get(&user).and_then(|runs| runs.noted_at_ms(seq));
    let is_delivered = || receipts.delivered.get(&user).is_some_and(|runs| runs.noted_at_ms(seq).is_some());
    match read_at_ms {
        Some(_) => (Status::Read, read_at_ms),
        None if is_delivered() => (Status::Delivered, None),
        None => (Status::Sent, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Runs;

    #[test]
    fn those_are_expected_who_were_there_or_have_it() {
        let runs = |user, text| (UserId(user), Runs::parse(text));
        let receipts = Receipts {
            members: vec![(UserId(2), 10), (UserId(3), 50), (UserId(4), 90), (UserId(5), 90)],
            read: [runs(2, "1-5@60")].into(),
            delivered: [runs(5, "1-9"), runs(6, "1-9"), runs(7, "9-9")].into(),
        };
        let expected = expected(&receipts, 50, Seq(5));
        assert_eq!(expected, [(2, true), (3, true), (5, true), (6, false)].map(|(user, is)| (UserId(user), is)));
        let standing = [2, 3, 6].map(|user| standing(&receipts, UserId(user), Seq(5)));
        assert_eq!(standing, [(Status::Read, Some(60)), (Status::Sent, None), (Status::Delivered, None)]);
    }

    #[tokio::test]
    async fn a_question_takes_answers_until_it_is_dropped() {
        let questions = Arc::<Questions>::default();
        let mut question = Question::new(&questions);
        questions.answer(question.number.wrapping_add(1), &NodeTrace::default());
        questions.answer(question.number, &NodeTrace { node: "a".into(), ..NodeTrace::default() });
        assert_eq!(question.answers.recv().await.map(|trace| trace.node), Some("a".into()));
        assert!(question.answers.try_recv().is_err());
        drop(question);
        assert!(questions.0.lock().expect("no panic").is_empty());
    }
}
