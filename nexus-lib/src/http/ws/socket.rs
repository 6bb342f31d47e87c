use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::{Sink, SinkExt, StreamExt};
use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tower::Service;

use super::chat::{Prepared, Said, chat};
use super::closing::{Closing, GOING_AWAY, NO_ANSWER, NO_ROOM, NO_TEXT, UNAUTHORIZED, close, why};
use super::counted::CountedIo;
use super::frame::{self, ChatFrame, ClientFrame, Refused, ServerFrame};
use super::label::Label;
use super::open_chats::OpenChats;
use super::session;
use super::sockets::Tasks;
use crate::body_memory::Holder;
use crate::call::{Call, Metered, Principal};
use crate::error::{Error, ErrorKind, Result};
use crate::intake::{Arrival, Credentials, Intake, Passport};
use crate::observe::Edge;
use crate::wire::RequestId;

/// How many frames may wait to be written before a client that does not read is not listened to.
const MAX_WAITING: usize = 128;

/// How many frames a client may send before it has shown a key.
const MAX_BEFORE_KEY: u32 = 16;

/// What the handshake says of a client.
pub(crate) struct Shown {
    /// `None` where no key was shown.
    pub(crate) principal: Option<Principal>,
    pub(crate) headers: HeaderMap,
    /// Goes on with each chat.
    pub(crate) passport: Passport,
}

/// One client's socket, and the chats on it.
pub(crate) struct Socket<S, I> {
    intake: Arc<Intake<S>>,
    tasks: Arc<Tasks>,
    io: WebSocketStream<CountedIo<I>>,
    shown: Shown,
    /// Who showed a key in a frame, once that is known.
    asked: Option<BoxFuture<'static, Result<Principal>>>,
    chats: OpenChats,
    /// Frames to be written.
    waiting: VecDeque<Message>,
    /// The answer to the client's last ping is not sent yet.
    owes_pong: bool,
    /// How many frames came before the key.
    before_key: u32,
    /// How many pings in a row were not answered.
    unanswered: u32,
    is_draining: bool,
}

/// What has happened.
enum Step {
    Heard(Option<Result<Message, WsError>>),
    Said(Said),
    /// Who the client is.
    Recognised(Result<Principal>),
    /// While draining: nothing is open, and all is written.
    Idle,
    Lost,
}

impl<S, I> Socket<S, I>
where
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
    I: AsyncRead + AsyncWrite + Unpin + Send,
{
    pub(crate) fn new(
        intake: Arc<Intake<S>>,
        tasks: Arc<Tasks>,
        mut io: WebSocketStream<CountedIo<I>>,
        mut shown: Shown,
    ) -> Self {
        match &shown.principal {
            Some(principal) => {
                io.get_mut().count_in(intake.memory(), holder(principal));
                // They were needed to find out who it is.
                shown.headers = HeaderMap::new();
            }
            None => io.get_mut().before_key(),
        }
        Self {
            intake,
            tasks,
            io,
            shown,
            asked: None,
            chats: OpenChats::default(),
            waiting: VecDeque::new(),
            owes_pong: false,
            before_key: 0,
            unanswered: 0,
            is_draining: false,
        }
    }

    /// Serves the socket to its end. Dropped, it ends its chats.
    pub(crate) async fn run(mut self) {
        let settings = self.tasks.settings();
        let mut draining = self.tasks.draining();
        self.is_draining = *draining.borrow_and_update();
        let mut pings = interval_at(Instant::now() + settings.ping_every, settings.ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut auth_timer = pin!(sleep(settings.auth_within));
        let closing = loop {
            let next = tokio::select! {
                step = poll_fn(|cx| self.poll_step(cx)) => self.after(step),
                () = auth_timer.as_mut(), if self.shown.principal.is_none() => Err(Some(UNAUTHORIZED)),
                _ = pings.tick() => self.ping(),
                // At the end of the drain once more, so that the chats learn that they are cut off.
                Ok(()) = draining.changed() => {
                    self.is_draining = true;
                    Ok(())
                }
            };
            if let Err(closing) = next {
                // In one place, whatever the client did in place of showing a key.
                if let Some((code, words)) = closing
                    && code == UNAUTHORIZED.0
                {
                    self.report(&Error::new(ErrorKind::InvalidApiKey, words));
                }
                break closing;
            }
        };
        let Self { io, chats, .. } = self;
        // Before the farewell, which may take its time.
        drop(chats);
        if let Some(closing) = closing {
            close(io, closing).await;
        }
    }

    /// Writes before it reads, and reads before it asks chats for more: what a chat says has
    /// somewhere to go.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let is_written = match self.poll_write(cx) {
            Poll::Ready(Err(_)) => return Poll::Ready(Step::Lost),
            Poll::Ready(Ok(())) => {
                self.owes_pong = false;
                true
            }
            Poll::Pending => false,
        };
        if let Some(asked) = &mut self.asked {
            let recognised = asked.as_mut().poll(cx);
            // What comes behind the key waits until it is known.
            return recognised.map(Step::Recognised);
        }
        // A client that pings and does not read what it is answered is not listened to either.
        if self.waiting.len() < MAX_WAITING
            && !self.owes_pong
            && let Poll::Ready(heard) = self.io.poll_next_unpin(cx)
        {
            return Poll::Ready(Step::Heard(heard));
        }
        match is_written {
            true if self.is_draining && self.chats.is_empty() => Poll::Ready(Step::Idle),
            true => self.chats.poll_next(cx).map(Step::Said),
            false => Poll::Pending,
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        while !self.waiting.is_empty() {
            ready!(self.io.poll_ready_unpin(cx))?;
            if let Some(message) = self.waiting.pop_front() {
                std::pin::Pin::new(&mut self.io).start_send(message)?;
            }
        }
        self.io.poll_flush_unpin(cx)
    }

    /// `Err` ends the socket, with a farewell if there is one to be said.
    fn after(&mut self, step: Step) -> Result<(), Option<Closing>> {
        match step {
            Step::Said(said) => self.say(said.json),
            Step::Recognised(Ok(principal)) => {
                self.asked = None;
                let holder = holder(&principal);
                self.io.get_mut().count_in(self.intake.memory(), holder);
                self.shown.principal = Some(principal);
                self.shown.headers = HeaderMap::new();
            }
            Step::Recognised(Err(_)) => return Err(Some(UNAUTHORIZED)),
            Step::Idle => return Err(Some(GOING_AWAY)),
            Step::Lost | Step::Heard(None) => return Err(None),
            Step::Heard(Some(Err(error))) => {
                return Err(match self.shown.principal {
                    _ if self.io.get_ref().is_full() => Some(NO_ROOM),
                    None => Some(UNAUTHORIZED),
                    Some(_) => why(&error),
                });
            }
            Step::Heard(Some(Ok(message))) => self.after_message(&message)?,
        }
        Ok(())
    }

    fn after_message(&mut self, message: &Message) -> Result<(), Option<Closing>> {
        if self.shown.principal.is_none() {
            self.before_key += 1;
            if self.before_key > MAX_BEFORE_KEY {
                return Err(Some(UNAUTHORIZED));
            }
        }
        match message {
            Message::Text(text) => {
                let heard = self.hear(text);
                self.io.get_mut().heard();
                return heard;
            }
            Message::Binary(_) => return Err(Some(NO_TEXT)),
            Message::Pong(words) => {
                self.io.get_mut().heard_control(words.len());
                self.unanswered = 0;
            }
            Message::Ping(words) => {
                self.io.get_mut().heard_control(words.len());
                // Answered below us.
                self.owes_pong = true;
            }
            Message::Close(_) | Message::Frame(_) => {}
        }
        Ok(())
    }

    fn ping(&mut self) -> Result<(), Option<Closing>> {
        if self.unanswered == 2 {
            return Err(Some(NO_ANSWER));
        }
        self.unanswered += 1;
        self.waiting.push_back(Message::Ping(Bytes::new()));
        Ok(())
    }

    fn say(&mut self, json: String) {
        self.waiting.push_back(Message::text(json));
    }

    fn hear(&mut self, text: &str) -> Result<(), Option<Closing>> {
        let heard = ClientFrame::read(text);
        let Some(principal) = &self.shown.principal else {
            let Ok(ClientFrame::Auth { key }) = heard else {
                return Err(Some(UNAUTHORIZED));
            };
            self.recognise(key);
            return Ok(());
        };
        let key = principal.identity();
        let refused = match heard {
            Ok(ClientFrame::Chat(chat)) => {
                let id = chat.label.name().map(str::to_owned);
                self.open(chat).err().map(|error| Refused(id, error))
            }
            Ok(ClientFrame::Cancel { id }) => match self.chats.cancel(&id) {
                true => Some(Refused(Some(id.to_string()), cancelled())),
                false => Some(Refused(Some(id.to_string()), not_open())),
            },
            Ok(ClientFrame::Ping) => {
                self.say(ServerFrame::Pong.to_json());
                None
            }
            Ok(ClientFrame::Resume {
                id,
                request_id,
                after,
            }) => {
                let sessions = self.tasks.sessions();
                let resumed = (self.may_open(&Label::Named(Arc::clone(&id))))
                    .and_then(|()| sessions.resume(key, &id, request_id, after));
                match resumed {
                    Ok(attached) => {
                        self.chats.push_attached(Label::Named(id), attached);
                        None
                    }
                    Err(error) => Some(Refused(Some(id.to_string()), error)),
                }
            }
            Ok(ClientFrame::Auth { .. }) => {
                let message = "this socket has its key already; open another one for another key";
                Some(Refused(
                    None,
                    Error::new(ErrorKind::InvalidRequest, message),
                ))
            }
            Err(refused) => Some(refused),
        };
        if let Some(Refused(id, error)) = refused {
            if error.kind() != ErrorKind::Cancelled {
                self.report(&error);
            }
            self.say(frame::error(id.as_deref(), &error));
        }
        Ok(())
    }

    /// Finds out who shows this key.
    fn recognise(&mut self, key: String) {
        let intake = Arc::clone(&self.intake);
        let headers = std::mem::take(&mut self.shown.headers);
        let extensions = self.shown.passport.extensions.clone();
        self.asked = Some(Box::pin(async move {
            let shown = Credentials::of(&headers, &extensions, Edge::Socket);
            intake.ask(&shown.with_key(key.as_bytes())).await
        }));
    }

    /// Reports a refused frame, under an id of its own: no call came of it.
    fn report(&self, error: &Error) {
        (self.intake.refusals()).report(Edge::Socket, RequestId::new(), error, None);
    }

    fn may_open(&self, label: &Label) -> Result<()> {
        if self.is_draining {
            let message = "the gateway is shutting down; open a new socket and ask again";
            return Err(Error::new(ErrorKind::Closed, message));
        }
        if self.chats.has(label) {
            let message = "a chat of this id is open on this socket; take another id";
            return Err(Error::new(ErrorKind::Conflict, message).with_param("id"));
        }
        let most = self.tasks.settings().max_chats;
        if self.chats.len() >= most {
            let message = format!("{most} chats are open on this socket; wait for one to end");
            return Err(Error::new(ErrorKind::Overloaded, message));
        }
        Ok(())
    }

    fn open(&mut self, frame: ChatFrame) -> Result<()> {
        self.may_open(&frame.label)?;
        let Some(principal) = &self.shown.principal else {
            return Ok(());
        };
        // The key may have been taken away since, or may call other models now.
        let principal = self.intake.renew(principal)?;
        let open = self.intake.admit()?;
        let (label, is_resumable) = (frame.label.clone(), frame.is_resumable);
        let key = principal.identity();
        let passport = self.shown.passport.clone();
        let arrival = Arrival::chat(RequestId::new(), principal, passport);
        let prepared = Prepared::of(frame, arrival, open, &self.intake)?;
        let request_id = prepared.request_id();
        let chat = chat(Arc::clone(&self.intake), prepared);
        match &label {
            Label::Named(id) if is_resumable => {
                let attached = session::keep(&self.tasks, key, Arc::clone(id), request_id, chat);
                self.chats.push_attached(label, attached);
            }
            _ => self.chats.push(label, chat),
        }
        Ok(())
    }
}

/// Whose messages these are.
fn holder(principal: &Principal) -> Holder {
    Holder::Client(principal.identity().short())
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the chat was cancelled by its client")
}

fn not_open() -> Error {
    let message = "no chat of this id is open on this socket";
    Error::new(ErrorKind::NotFound, message).with_param("id")
}
