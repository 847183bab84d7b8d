//! The HTTP server: its listeners, and what a connection and a request pass through before a route.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, web};
use tokio::net::TcpStream;
use tracing_actix_web::TracingLogger;

use super::error::StartError;
use super::listener::{self, ListenerHandle};
use super::wiring::Wiring;
use crate::edge::{
    AddressCap, Faults, HttpStream, RequestSpan, Timing, close_sockets_at_stop, configure, cors, count, in_dialect,
    not_found, suffer_faults,
};
use crate::metrics::{Count, Metrics};
use crate::site;

const KEEP_ALIVE_SECS: u32 = 75;
/// Time for a client to read the last response of its connection.
const DISCONNECT: Duration = Duration::from_secs(1);
/// The response to a connection beyond the cap. Its request is unknown, and so is the dialect.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A server that listens and runs once it is awaited.
pub(super) struct Listening {
    pub(super) address: SocketAddr,
    /// Where health checks and metrics are served alone.
    pub(super) metrics_address: Option<SocketAddr>,
    /// Of `address`.
    pub(super) listener: ListenerHandle,
    pub(super) server: Server,
}

/// What the connections of a listener have in common.
#[derive(Clone)]
struct Connections {
    cap: Arc<AddressCap>,
    metrics: Arc<Metrics>,
    head_secs: u32,
}

/// Binds the listeners and builds the server, with these faults.
pub(super) fn listen(wiring: &Wiring, faults: Option<Arc<Faults>>) -> Result<Listening, StartError> {
    let config = &wiring.config.server;
    let (listener, handle, address) = bind("server.host and server.port", &config.host, config.port)?;
    let failed = |source| StartError::Io { what: address.to_string(), source };
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let builder = Server::build().workers(workers).shutdown_timeout(config.shutdown_secs).disable_signals();
    let signal = builder.graceful_shutdown_signal();
    let stopping = move || {
        let signal = signal.clone();
        async move { signal.notified().await }
    };
    let connections = Connections {
        cap: Arc::new(AddressCap::new(&wiring.shared.limits, &config.trusted_proxies)),
        metrics: Arc::clone(&wiring.shared.metrics),
        head_secs: config.head_secs,
    };
    let (of_chat, chat, is_stopping) = (connections.clone(), wiring.clone(), stopping.clone());
    let builder =
        builder.listen("chat", listener, move || of_chat.serve(app(&chat, faults.as_ref()), is_stopping.clone()));
    let mut builder = builder.map_err(failed)?;
    let mut metrics_address = None;
    if let Some((host, port)) = config.metrics_listener() {
        let (listener, _, address) = bind("server.metrics_address", host, port)?;
        let wiring = wiring.clone();
        builder = builder
            .listen("metrics", listener, move || connections.serve(metrics_app(&wiring), stopping.clone()))
            .map_err(failed)?;
        metrics_address = Some(address);
    }
    Ok(Listening { address, metrics_address, listener: handle, server: builder.run() })
}

fn bind(
    setting: &str,
    host: &str,
    port: u16,
) -> Result<(std::net::TcpListener, ListenerHandle, SocketAddr), StartError> {
    listener::listen(host, port).map_err(|source| StartError::Io { what: format!("{setting}, {host}:{port}"), source })
}

/// The application of a worker.
fn app(
    wiring: &Wiring,
    faults: Option<&Arc<Faults>>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let store = wiring.open_store();
    let context = wiring.context(&store);
    actix_web::rt::spawn(close_sockets_at_stop(context.hub.clone(), Arc::clone(&context.stopping)));
    actix_web::rt::spawn(wiring.pulse.answer());
    if let Some(faults) = faults {
        actix_web::rt::spawn(faults.follow(context.hub.clone()));
    }
    let sockets = wiring.registry.all().flat_map(|owner| (owner.sockets)(&wiring.config)).collect();
    App::new()
        .app_data(web::Data::new(context))
        .app_data(web::Data::new(wiring.probes(&store)))
        .app_data(web::Data::new(wiring.registry.clone()))
        .app_data(web::Data::from(Arc::clone(&wiring.allowed_methods)))
        .configure(|routes| wiring.registry.all().for_each(|owner| (owner.routes)(routes, &wiring.config)))
        .configure(|routes| configure(routes, sockets))
        .configure(|routes| site::documentation(routes, wiring.document.clone()))
        .configure(|routes| faults.into_iter().for_each(|faults| site::faults(routes, Arc::clone(faults))))
        .default_service(web::to(not_found))
        .wrap(Condition::new(faults.is_some(), from_fn(suffer_faults)))
        .wrap(from_fn(in_dialect))
        .wrap(cors(&wiring.allowed_origins))
        .wrap(from_fn(count))
        .wrap(TracingLogger::<RequestSpan>::new())
}

/// The application of a worker at the address for operators.
fn metrics_app(
    wiring: &Wiring,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .app_data(web::Data::new(wiring.probes(&wiring.open_store())))
        .app_data(web::Data::new(wiring.registry.clone()))
        .app_data(web::Data::from(Arc::clone(&wiring.allowed_methods)))
        .configure(site::probes)
        .default_service(web::to(not_found))
        .wrap(from_fn(in_dialect))
}

impl Connections {
    /// Serves the connections of a worker with an application. As the framework's own server, but for connections that
    /// are counted and timed.
    fn serve<F, S, B, Signal, Stop>(
        &self,
        app: F,
        is_stopping: Signal,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
    + use<F, S, B, Signal, Stop>
    where
        Signal: Fn() -> Stop + 'static,
        F: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: std::fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
        Stop: Future<Output = ()> + 'static,
    {
        let app = app.into_factory().map_err(|error: S::Error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(is_stopping)
            .keep_alive(Duration::from_secs(KEEP_ALIVE_SECS.into()))
            .client_request_timeout(Duration::from_secs(self.head_secs.into()))
            .client_disconnect_timeout(DISCONNECT)
            .on_connect_ext(|stream: &HttpStream, data| stream.describe(data))
            .finish(map_config(app, |_: ()| AppConfig::default()));
        let (connections, timing) = (self.clone(), Timing::start(self.head_secs, KEEP_ALIVE_SECS + 1));
        fn_service(move |stream: TcpStream| std::future::ready(connections.admit(stream, &timing))).and_then(http)
    }

    fn admit(
        &self,
        stream: TcpStream,
        timing: &Rc<Timing>,
    ) -> Result<(HttpStream, Protocol, Option<SocketAddr>), DispatchError> {
        let peer = stream.peer_addr()?;
        let Some(permit) = self.cap.enter(peer.ip()) else {
            self.metrics.count(Count::RateLimited);
            // One more packet, or none: the server does not wait for a client that keeps sending.
            drop(stream.try_write(TOO_MANY));
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into());
        };
        Ok((HttpStream::new(stream, timing, permit), Protocol::Http1, Some(peer)))
    }
}
