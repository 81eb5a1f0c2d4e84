use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::connection;
use super::orders::Orders;
use crate::gateway::Gateway;

/// What a connection has to come through.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// Nothing.
    Plain,
    /// TLS.
    #[cfg(feature = "tls")]
    Tls(Arc<tokio_rustls::rustls::ServerConfig>),
}

impl Door {
    /// How a URL begins that leads here.
    pub(crate) const fn scheme(&self) -> &'static str {
        match self {
            Self::Plain => "http",
            #[cfg(feature = "tls")]
            Self::Tls(_) => "https",
        }
    }

    /// Serves one connection, if it comes through.
    pub(super) async fn serve(
        self,
        gateway: Arc<Gateway>,
        stream: TcpStream,
        orders: watch::Receiver<Orders>,
        at_first: Orders,
    ) {
        match self {
            Self::Plain => connection::serve(gateway, stream, orders, at_first).await,
            #[cfg(feature = "tls")]
            Self::Tls(config) => {
                let handshake = tokio_rustls::TlsAcceptor::from(config).accept(stream);
                let time = gateway.keep_alive;
                // Whoever does not trust us is gone.
                if let Ok(Ok(stream)) = tokio::time::timeout(time, handshake).await {
                    connection::serve(gateway, stream, orders, at_first).await;
                }
            }
        }
    }
}
